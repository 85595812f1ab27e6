/**
 * A record processor of the Kinesis Client Library for Node.js (aws-kcl). Its standard output belongs to the daemon that
 * starts one of these for each shard, so it tells what it gets as lines of the file KCL_LINES.
 */
'use strict';
const { appendFileSync } = require('node:fs');
const { join } = require('node:path');
const kcl = require(join(__dirname, '.cache', 'node_modules', 'aws-kcl'));

const say = (line) => appendFileSync(process.env.KCL_LINES, `${line}\n`);
let shard;

const checkpoint = (checkpointer, sequenceNumber, done) => {
  const told = (error) => {
    if (error) say(`error ${error}`);
    done();
  };
  if (sequenceNumber === undefined) checkpointer.checkpoint(told);
  else checkpointer.checkpoint(sequenceNumber, told);
};

kcl({
  initialize({ shardId }, done) {
    shard = shardId;
    say(`began ${shard}`);
    done();
  },
  processRecords({ records, checkpointer }, done) {
    for (const { sequenceNumber, partitionKey, data } of records) {
      say(`record ${shard} ${sequenceNumber} ${partitionKey} ${Buffer.from(data, 'base64')}`);
    }
    if (records.length === 0) done();
    else checkpoint(checkpointer, records.at(-1).sequenceNumber, done);
  },
  leaseLost(_input, done) {
    say(`lost ${shard}`);
    done();
  },
  shardEnded({ checkpointer }, done) {
    checkpoint(checkpointer, undefined, () => {
      say(`ended ${shard}`);
      done();
    });
  },
}).run();
