import { describe, expect, test } from 'vitest';
import { readByLexicon } from './read-by-lexicon.ts';

test.each([
  ['Glad idag!', 'sv', 'positive'],
  ['jag är glad idag', 'sv', 'positive'],
  ['Trött och ledsen', 'sv', 'negative'],
  ['Det var en underbar dag', 'sv', 'positive'],
  ['I feel great today', 'en', 'positive'],
  ['So tired of this awful weather', 'en', 'negative'],
  ['Jeg er glad i dag', 'no', 'positive'],
  ['Hei, jeg har det bra', 'no', 'positive'],
  ['Jeg er veldig sliten og lei', 'no', 'negative'],
  ['Jag åkte till jobbet', 'sv', 'neutral'],
])('"%s" is %s and %s', (text, language, mood) => {
  expect(readByLexicon(text)).toMatchObject({ language, mood });
});

test.each([
  ['I am not happy', 'en'],
  ["I don't feel happy", 'en'],
  ['I don’t feel happy', 'en'],
  ['jag är inte så glad', 'sv'],
  ['jeg er ikke glad', 'no'],
])('"%s" is the opposite of what its words say', (text, language) => {
  expect(readByLexicon(text)).toMatchObject({ language, mood: 'negative' });
});

test('that something is felt does not make it better', () => {
  expect(readByLexicon("I'm feeling terrible").score).toBe(readByLexicon('I feel terrible').score);
});

test.each(['asdf qwer', '你好', '🙂', '!', 'constructor __proto__'])('of "%s" nothing is claimed', (text) => {
  expect(readByLexicon(text)).toEqual({ mood: 'neutral', score: 0, confidence: 0, language: 'und' });
});

describe('a reading is surer', () => {
  const sureOf = (text: string) => readByLexicon(text).confidence;

  test('the more words speak for it', () => {
    expect(sureOf('happy and wonderful')).toBeGreaterThan(sureOf('happy'));
  });

  test('and less so when they contradict one another', () => {
    expect(sureOf('happy and sad')).toBeLessThan(sureOf('happy'));
  });
});

test('a score stays within its bounds, whatever the text', () => {
  const { score, confidence } = readByLexicon('breathtaking outstanding superb '.repeat(200));
  expect(score).toBeGreaterThan(0.9);
  expect(score).toBeLessThanOrEqual(1);
  expect(confidence).toBeLessThanOrEqual(1);
});
