const HEAD_END = '\r\n\r\n';
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
const ETAG = /\r\netag: *([^\r]+)/i;

/**
 * Reads HTTP/1.1 answers from what a socket brings. Only what our servers send: a status, a Content-Length unless the
 * status has no body; anything else is refused, so that nothing is measured that was not understood.
 */
export class AnswerReader {
  /** Of the answer that was read last. */
  status = 0;
  /** The last ETag seen. */
  etag: string | undefined;
  #head = '';
  #bodyBytesLeft = -1;

  /** Takes the next bytes; answers whether they complete an answer. */
  read(bytes: Buffer): boolean {
    if (this.#bodyBytesLeft < 0) {
      this.#head += bytes.toString('latin1');
      const headChars = this.#head.indexOf(HEAD_END);
      if (headChars < 0) return false;
      const bodyBytes = this.#head.length - headChars - HEAD_END.length;
      this.#readHead(this.#head.slice(0, headChars));
      this.#head = '';
      this.#bodyBytesLeft -= bodyBytes;
    } else {
      this.#bodyBytesLeft -= bytes.length;
    }
    if (this.#bodyBytesLeft < 0) throw new Error('The server sent more than it was asked for.');
    if (this.#bodyBytesLeft > 0) return false;
    this.#bodyBytesLeft = -1;
    return true;
  }

  #readHead(head: string): void {
    this.status = Number(head.slice(9, 12));
    const length = CONTENT_LENGTH.exec(head)?.[1];
    if (length === undefined && this.status !== 304 && this.status !== 204) {
      throw new Error(`An answer ${this.status} without Content-Length cannot be measured.`);
    }
    this.#bodyBytesLeft = this.status === 304 || this.status === 204 ? 0 : Number(length);
    this.etag = ETAG.exec(head)?.[1] ?? this.etag;
  }
}
