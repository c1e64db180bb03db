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
  ['Dagen var helt forferdelig', 'no', 'negative'],
  ['Jeg er tilfreds', 'no', 'positive'],
  ['Det var den beste, jeg har det best', 'no', 'positive'],
  ['Jeg gleder meg til i morgen', 'no', 'positive'],
  ['Jeg gleder meg ikke', 'no', 'negative'],
  ['Jeg har det vondt', 'no', 'negative'],
  ['jag hatar mitt jobb', 'sv', 'negative'],
  ['Jag åkte till jobbet', 'sv', 'neutral'],
  ['I feel well', 'en', 'positive'],
  ["I don't feel well", 'en', 'negative'],
  ['feeling down', 'en', 'negative'],
  ["I'm feeling a bit down", 'en', 'negative'],
  ['I feel less anxious', 'en', 'positive'],
  ['jag känner mig mindre orolig', 'sv', 'positive'],
  ['I slept less today so feel terrible', 'en', 'negative'],
  ['Well, I sat down', 'en', 'neutral'],
  ['jag mår prima', 'sv', 'positive'],
  ['jag mår okej', 'sv', 'positive'],
  ['jag mår sådär', 'sv', 'negative'],
  ['jättebra idag', 'sv', 'positive'],
  ['jättedåligt idag', 'sv', 'negative'],
  ['jag är jätteglad', 'sv', 'positive'],
  ['jag mår skitbra', 'sv', 'positive'],
  ['jag mår skitdåligt', 'sv', 'negative'],
  ['jag är inte superglad', 'sv', 'negative'],
  ['jeg er kjempesliten', 'no', 'negative'],
  ['kjempebra', 'no', 'positive'],
  ['jag är happy', 'sv', 'positive'],
  ['jag är utbränd', 'sv', 'negative'],
  ['I feel overwhelmed', 'en', 'negative'],
  ['I feel pretty', 'en', 'positive'],
  ['I am happy but sad', 'en', 'positive'],
  // In AFINN with a capital.
  ['jag känner mig avancerad', 'sv', 'positive'],
  // "Få" is rated, as what one gets.
  ['jag har jättefå saker', 'sv', 'neutral'],
  ['I could not be happy', 'en', 'negative'],
  ['I have never been happy', 'en', 'negative'],
  ['I have not been happy', 'en', 'negative'],
  ['I never felt sorrow', 'en', 'positive'],
  ['jag gillar intelligenta människor', 'sv', 'positive'],
])('"%s" is %s and %s', (text, language, mood) => {
  expect(readByLexicon(text)).toMatchObject({ language, mood });
});

test.each([
  ['I am not happy', 'en'],
  ["I don't feel happy", 'en'],
  ['I don’t feel happy', 'en'],
  ['I don´t feel happy', 'en'],
  ['I dont feel good', 'en'],
  ["I'm not feeling very happy", 'en'],
  ['i am not at all happy', 'en'],
  ['it wasnt a good day', 'en'],
  ["I couldn't enjoy it", 'en'],
  ['I hardly enjoyed anything', 'en'],
  ['Not so good', 'en'],
  ["I didn't sleep so good", 'en'],
  ["I don't think I am happy", 'en'],
  ['neither happy nor content', 'en'],
  ['a day without joy', 'en'],
  ['jag är inte så glad', 'sv'],
  ['jag mår inte så bra', 'sv'],
  ['jag har inte sovit så bra', 'sv'],
  ['inte alls glad', 'sv'],
  ['jag ar inte sarskilt glad', 'sv'],
  ['inte sa bra', 'sv'],
  ['jag är aldrig glad', 'sv'],
  ['knappast glad', 'sv'],
  ['ej glad', 'sv'],
  ['icke glad', 'sv'],
  ['en dag utan glädje', 'sv'],
  ['har inte haft en bra dag', 'sv'],
  ['jag tror inte att jag är glad', 'sv'],
  ['varken glad eller nöjd', 'sv'],
  ['jag gillar inte mitt jobb', 'sv'],
  ['jeg er ikke glad', 'no'],
  ['ikke så glad', 'no'],
  ['ikke i det hele tatt glad', 'no'],
  ['jeg foler meg ikke bra', 'no'],
  ['en dag uten glede', 'no'],
  ['jeg liker ikke dette', 'no'],
  ["I'm anything but happy", 'en'],
  ["I'm far from happy", 'en'],
  ['jag mår allt annat än bra', 'sv'],
  ['jag mår långt ifrån bra', 'sv'],
  ['jeg har det langt fra bra', 'no'],
  // Of two languages.
  ['I am inte glad today', 'en'],
  ['I am ikke happy', 'en'],
  ['jag är not glad idag', 'sv'],
])('"%s" is bad, though its words are good', (text, language) => {
  expect(readByLexicon(text)).toMatchObject({ language, mood: 'negative' });
});

test('a word that negates in another language alone negates nothing', () => {
  expect(readByLexicon('Eg er no veldig glad')).toMatchObject({ language: 'no', mood: 'positive' });
});

test.each([
  'Not bad',
  'cant complain',
  'I won’t be sad',
  'No worries',
  'it isnt a bad day',
  'inte så illa',
  'inte dåligt alls',
  'kan inte klaga',
  'jag är inte ledsen längre',
  'ikke verst',
  'kan ikke klage',
])('"%s" is good, though its words are bad', (text) => {
  expect(readByLexicon(text).mood).toBe('positive');
});

test.each([
  ['not bad, I am happy', 'positive'],
  ['not bad - I am happy', 'positive'],
  ['I am not sad but happy', 'positive'],
  ['I am not sad I am happy', 'positive'],
  ['no problem, great day', 'positive'],
  ['No I feel good', 'positive'],
  ['not just happy but thrilled', 'positive'],
  ["I couldn't sleep so I'm tired", 'negative'],
  ["I didn't sleep much so feel terrible", 'negative'],
  ["I didn't sleep much so tired", 'negative'],
  ['har inte sovit så mår dåligt', 'negative'],
  ["I don't know why I am so sad", 'negative'],
  ["I can't stop crying", 'negative'],
  ["Couldn't be better", 'positive'],
  ['I have never been so happy', 'positive'],
  ["I haven't felt this good in ages", 'positive'],
  ['inte illa, jag är glad', 'positive'],
  ['inte ledsen utan glad', 'positive'],
  ['jag sov inte så jag är trött', 'negative'],
  ['jag kan inte sluta gråta', 'negative'],
  ['jag har aldrig mått bättre', 'positive'],
  ['jeg er ikke trist, men glad', 'positive'],
  ['jeg har aldri vært så glad', 'positive'],
])('a negation does not reach past what it is of: "%s" is %s', (text, mood) => {
  expect(readByLexicon(text).mood).toBe(mood);
});

test('who says that it is neither good nor bad is read so', () => {
  expect(readByLexicon('neither good nor bad').mood).toBe('neutral');
  expect(readByLexicon('varken bra eller dåligt').mood).toBe('neutral');
});

test.each([
  ["I'm fucking happy", "I'm happy"],
  ['I feel pretty bad', 'I feel bad'],
  ['jag mår riktigt jävla bra', 'jag mår riktigt bra'],
])('a word for how much is not itself a feeling: "%s" is as "%s"', (strong, plain) => {
  expect(readByLexicon(strong).score).toBe(readByLexicon(plain).score);
});

test.each([
  ['I feel sad today, thank you', 'I feel sad today'],
  ['I feel bad, please help', 'I feel bad'],
  ['jag är trött, tack', 'jag är trött'],
  ['jeg er trist, hjelp meg', 'jeg er trist'],
])('who is polite or asks for help feels no better: "%s"', (said, meant) => {
  expect(readByLexicon(said).score).toBe(readByLexicon(meant).score);
  expect(readByLexicon(said).score).toBeLessThan(0);
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
