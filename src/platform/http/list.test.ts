import { hash } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { newId } from '../../base/ids.ts';
import { decodeCursor, encodeCursor, placePart } from './list.ts';

const refused = expect.objectContaining({ code: 'http.invalid_cursor', status: 400, param: 'cursor' });

function attempt(cursor: string): unknown {
  try {
    return decodeCursor('things', cursor, [placePart.day, placePart.id]);
  } catch (error) {
    return error;
  }
}

describe('decodeCursor', () => {
  it('gives the place that was encoded, and none without a cursor', () => {
    const place = ['2026-12-24', newId()] as const;
    expect(attempt(encodeCursor('things', place))).toEqual(place);
    expect(decodeCursor('things', undefined, [placePart.id])).toEqual([]);
  });

  it('takes every cursor from a URL: none looks like an API key there', () => {
    // By its hash alone, this place's cursor would.
    const cursor = encodeCursor('x', [28_698]);
    expect(cursor).not.toMatch(/^ek_/);
    expect(decodeCursor('x', cursor, [placePart.integer])).toEqual([28_698]);
  });

  it('refuses a cursor of another scope, one that was cut, and one that was altered', () => {
    const cursor = encodeCursor('things', ['2026-12-24', newId()]);
    for (const wrong of [
      encodeCursor('others', ['2026-12-24', newId()]),
      cursor.slice(1),
      cursor.slice(0, -4),
      `${cursor.slice(0, 12)}_${cursor.slice(13)}`,
    ]) {
      expect(attempt(wrong), wrong).toEqual(refused);
    }
  });

  it('refuses a cursor in other characters, or of other text, than it was given in', () => {
    const place = ['2026-12-24', newId()] as const;
    const cursor = encodeCursor('things', place);
    for (const added of ['=', '==', '\n', ' ', '.', '!']) expect(attempt(cursor + added), added).toEqual(refused);
    expect(attempt(`${cursor.slice(0, 12)}\n${cursor.slice(12)}`)).toEqual(refused);
    const [scope] = JSON.parse(Buffer.from(cursor.slice(8), 'base64url').toString());
    const spaced = ` ${JSON.stringify([scope, ...place])}`;
    const check = hash('sha256', spaced, 'base64url').slice(0, 8);
    expect(attempt(check + Buffer.from(spaced).toString('base64url'))).toEqual(refused);
  });

  it.each(['', 'null', '7', '{}', '{"0":"things"}', '"things"', '["things"', '[]', '["things"]', '\0'])(
    'refuses the right check characters before %j',
    (text) => {
      const check = hash('sha256', text, 'base64url').slice(0, 8);
      expect(attempt(check + Buffer.from(text).toString('base64url'))).toEqual(refused);
    },
  );

  it('refuses a place with a part too few, too many, or that its check refuses', () => {
    const id = newId();
    for (const place of [
      ['2026-12-24'],
      ['2026-12-24', id, id],
      [id, '2026-12-24'],
      ['2026-02-30', id],
      ['2026-12-24', 1],
    ]) {
      expect(attempt(encodeCursor('things', place)), JSON.stringify(place)).toEqual(refused);
    }
  });
});

test.each([
  ['id', newId(), ['', 'x', 7, [newId()], newId().toUpperCase()]],
  ['day', '2026-12-24', ['2026-02-30', 'infinity', '2026-12-24T00:00:00Z', ['2026-12-24']]],
  ['instant', '2026-12-24T18:00:00.000Z', ['2026-12-24', 'x', 1_800_000_000_000]],
  ['timeMs', 1_800_000_000_000, [-1, 0.5, Number.NaN, 8.64e15, '1800000000000', null]],
  ['integer', 2_147_483_647, [-1, 0.5, 2_147_483_648, '7', null]],
  ['bigint', Number.MAX_SAFE_INTEGER, [-1, 0.5, 2 ** 53, '7', null]],
  ['text', "li%'_", ['a\0', 7, null, {}]],
] as const)('a part of a place that is checked as %s is %j, and none of %j', (name, right, wrong) => {
  expect(placePart[name](right)).toBe(true);
  expect(wrong.filter((part) => placePart[name](part))).toEqual([]);
});
