import { once } from 'node:events';
import { connect } from 'node:net';
import { decodeResponse, encodeRequest, listGroupsApi, type ListGroupsResponse } from '@tailrace/kafka-protocol';

const VERSION = 5;

/** The groups of a broker with their types, which no client in JavaScript tells. */
export async function listGroups(port: number): Promise<ListGroupsResponse['groups']> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    const header = { correlationId: 1, clientId: 'compat' };
    socket.write(Buffer.concat(encodeRequest(listGroupsApi.request, VERSION, header, {})));
    let frame = Buffer.alloc(0);
    while (frame.length < 4 || frame.length < 4 + frame.readInt32BE(0)) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      frame = Buffer.concat([frame, chunk]);
    }
    return decodeResponse(listGroupsApi.response, VERSION, frame.subarray(4)).body.groups;
  } finally {
    socket.destroy();
  }
}
