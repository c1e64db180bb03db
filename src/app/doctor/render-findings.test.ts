import { expect, test } from 'vitest';
import { renderFindings } from './render-findings.ts';

test('the lines of a finding are below one another', () => {
  const finding = { check: 'assistants', level: 'broken', what: 'wrong:\none\ntwo', what_to_do: 'Mend it.' } as const;
  expect(renderFindings([finding])).toBe(
    [
      '✗ assistants  wrong:',
      '              one',
      '              two',
      '              → Mend it.',
      '',
      '1 broken, 0 to improve.',
      '',
    ].join('\n'),
  );
});
