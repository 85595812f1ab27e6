/**
 * The bytes of a frame do not have the shape its header promised: cut short, a length that points past the end, a null
 * where none is allowed, bytes left over. The caller closes the connection; nothing of the frame has been acted on.
 */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame';
  /** Name and version of the message that was being read, such as `FetchRequest v12`. */
  readonly messageName: string;
  /** The field, as a dotted path from the top of the message: `topics.partitions.fetchOffset`. */
  readonly field: string;
  /** Byte position in the frame, counted from the first byte after the length prefix. */
  readonly position: number;

  constructor(messageName: string, field: string, position: number, reason: string) {
    super(`${messageName}: ${field} at byte ${position}: ${reason}`);
    this.messageName = messageName;
    this.field = field;
    this.position = position;
  }
}

/** A value was given for a field that the chosen version cannot carry, and dropping it would change the meaning. */
export class UnsupportedField extends Error {
  override readonly name = 'UnsupportedField';
}
