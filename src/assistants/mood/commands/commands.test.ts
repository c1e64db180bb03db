import { describe, expect, test } from 'vitest';
import { commands } from './commands.ts';

// A Wednesday.
const now = new Date('2026-11-25T22:30:00Z');
const read = (text: string) => commands.read({ text, now });

test.each([
  'I feel great today',
  "I'm feeling a bit down",
  'I’m so tired',
  'I am happy!',
  'jag är glad idag',
  'Jag mår dåligt',
  'jag känner mig ensam.',
  'Glad idag!',
  'So happy today',
  'mår bra i dag',
  'I feel awful today',
  "I don't feel good",
  'I dont feel good',
  'I never feel happy',
  'not great',
  'Not feeling so good.',
  'inte så bra',
  'I had a bad day',
  'I had a really good day at work today',
  'jag hade en bra dag',
  'jag har haft en dålig dag idag',
  'today was good',
  'Today has been a bad day',
  'jättebra idag',
  'I don´t feel good',
  'I`m sad',
  'im not happy',
  'I didnt feel good',
  'not feeling very happy today',
  'not at all happy today',
  'inte alls glad idag',
  'mår inte särskilt bra',
  "I'm not feeling great",
  'not happy today',
  'bad day today',
  'lite ledsen i dag',
  'I felt sad',
  'I was sad at the ball somehow',
  'I was happy today',
  'mår bra',
  'mår inte så bra idag',
  'mår skit, tack',
  'jag är jätteglad idag!',
  'jag är happy',
  'I feel like crap',
  "I don't feel that bad",
  "I don't feel that good today",
  'I feel like shit today',
  "I'm so happy to be here",
  "I'm free and happy",
  'jag är fri och glad',
])('"%s" is logged', (text) => {
  expect(read(text)).toEqual({ tool: 'mood_log', input: { mood_text: text.replace(/[’´`]/, "'") } });
});

test.each([
  ['hej, jag mår bra', 'jag mår bra'],
  ['Hi! I feel great today', 'I feel great today'],
  ['ok, glad idag', 'glad idag'],
  ['okay today', 'okay today'],
  [' I feel great', 'I feel great'],
  ['I am happy, thanks', 'I am happy, thanks'],
  ['inte så bra, tack', 'inte så bra, tack'],
])('of "%s" "%s" is logged', (text, moodText) => {
  expect(read(text)).toEqual({ tool: 'mood_log', input: { mood_text: moodText } });
});

test.each([
  'I had a bad day yesterday',
  'jag hade en bra dag igår',
  'I felt sad yesterday',
  'I was so happy yesterday!',
  'jag mådde dåligt igår',
  'Jag var ledsen i går',
])('"%s" is logged for yesterday', (text) => {
  expect(read(text)?.input).toEqual({ mood_text: text, timestamp: '2026-11-24T22:30:00.000Z' });
});

test.each([
  ['how was my mood this week?', '2026-11-23', '2026-11-25'],
  ['How was my mood?', '2026-11-19', '2026-11-25'],
  ['how have I been feeling lately?', '2026-11-19', '2026-11-25'],
  ['how did I feel yesterday?', '2026-11-24', '2026-11-24'],
  ['show me my mood last week', '2026-11-16', '2026-11-22'],
  ['my mood this month', '2026-11-01', '2026-11-25'],
  ['hur har jag mått den här veckan?', '2026-11-23', '2026-11-25'],
  ['Hur mådde jag igår?', '2026-11-24', '2026-11-24'],
  ['hur har jag mått förra veckan', '2026-11-16', '2026-11-22'],
  ['how did I feel last month?', '2026-10-01', '2026-10-31'],
  ['visa mitt humör i dag', '2026-11-25', '2026-11-25'],
  ['hello, my mood this month please', '2026-11-01', '2026-11-25'],
  ['Hej! Visa mitt humör i dag, tack.', '2026-11-25', '2026-11-25'],
])('"%s" is read from %s to %s', (text, from, to) => {
  expect(read(text)).toEqual({ tool: 'mood_trend', input: { from, to } });
});

test.each([
  'hello',
  'hej, tack',
  'ok, thanks today',
  'hello please',
  'I am at work',
  'I feel like pizza',
  'I felt like pizza',
  'am I happy?',
  'I am happy?',
  'how was my mood when I was a child?',
  'jag är på jobbet',
  'meeting Anna today',
  'glad idag?',
  'she is sad today',
  'not helpful',
  'I had a day off',
  'I had a bad day last week',
  'jag hade en bra dag i måndags',
  'today is Friday',
  'today was good for the farmers',
  'hon är ledsen idag',
  'good weather today',
  'buy good bread today',
  'are you happy today',
  'why so sad today',
  'var jag glad idag',
  'I was happy last week',
  'I was happy when I was a child',
  'I felt sad on Monday',
  'jag var ledsen i måndags',
  'jag kände mig glad förra veckan',
  'I felt sad 3 days ago',
  'I feel that you are wrong',
  'I felt great in October',
  'I felt great in may',
  'I was sad on 3 May',
  'I was sad on the 5th',
  'I felt sad over the weekend',
  'jag mådde bra i helgen',
  'jag var ledsen i fjol',
  'jag var ledsen den 5/3',
  'I was sad in 2019',
  'I was sad in the 90s',
  'I was happy last summer',
  'I was happy in the spring',
  'I was sad recently',
  'jag var ledsen i förrgår',
  'jag var ledsen i oktober',
  'jag mådde bra i somras',
  'jag mådde bra i våras',
  'jag mådde bra på sommaren',
  'jag var ledsen på torsdagen',
  'jag var ledsen häromdagen',
  'jag var ledsen 2019',
  'mår du bra',
  'mår du bra idag',
  'mår han bra',
  'mår Anna dåligt',
  'mår din mamma bra',
  'help today',
  'thanks today',
  'Thank you today',
  'stop today',
  'no today',
  'hjälp idag',
  'tack i dag',
  'sluta idag',
  "I'm sorry",
  "I'm afraid I don't understand",
  "I'm happy to help",
  "I'm dying to see you",
  "I'm good to go",
  "I'm interested in my mood last week",
  "I'm free tomorrow",
  'jag är klar',
  'jag är redo',
  'jag är säker på det',
  'jag är helt säker på det',
  'jag är jätteklar',
  "I'm really sorry",
  "I'm really happy to help",
  "I'm happy to be of help",
  "I'm free and open tomorrow",
  'I feel like pizza',
  'I feel that bad things happen',
  'fri idag',
  "I'm going to be sad tomorrow",
  "I'm sure you are great",
  "I'm good at maths",
  'jag är bra på matte',
  '',
])('"%s" is not guessed at', (text) => {
  expect(read(text)).toBeUndefined();
});

test.each(['list my moods', 'show me my mood log', 'visa min humörlogg'])('"%s" reads the log', (text) => {
  expect(read(text)).toEqual({ tool: 'mood_list', input: {} });
});

test('every example is understood', () => {
  expect(commands.examples.filter((text) => read(text) === undefined)).toEqual([]);
});

describe('what came of it is told in the language of the command:', () => {
  const trend = {
    ...{ from: '2026-11-23', to: '2026-11-25', entries: 3, score: 0.3 },
    days: [
      { day: '2026-11-23', entries: 2, score: 0.75 },
      { day: '2026-11-25', entries: 1, score: -0.6 },
    ],
  };

  test.each<[string, unknown, string]>([
    ['I feel odd', { entry: { score: 0, confidence: 0 } }, 'Noted. How good or bad that is, the words do not tell me.'],
    // What a model had asked for before it was gone.
    [
      'hmm',
      { entries: [{ felt_at: '2026-11-23T10:00:00.000Z', mood_text: 'ok' }], has_more: true },
      '- 2026-11-23: ok\nThere is more than this.',
    ],
    ['hmm', { entries: [], has_more: false }, 'Nothing was logged then.'],
    ['I feel great', { entry: { score: 1 } }, 'Noted. That sounds very good.'],
    ['jag är glad', { entry: { score: 0.3 } }, 'Antecknat. Det låter ganska bra.'],
    [
      'how was my mood this week?',
      trend,
      'From 2026-11-23 to 2026-11-25 your mood was rather good (3 entries):\n- 2026-11-23: very good\n- 2026-11-25: very bad',
    ],
    [
      'hur har jag mått den här veckan?',
      { ...trend, entries: 1, days: [] },
      'Från 2026-11-23 till 2026-11-25 mådde du ganska bra (1 anteckning):',
    ],
    ['my mood', { ...trend, entries: 0, score: null }, 'Nothing was logged from 2026-11-23 to 2026-11-25.'],
    [
      'my mood',
      { ...trend, score: null },
      'What was logged from 2026-11-23 to 2026-11-25 does not tell me how good or bad it was.',
    ],
    [
      'mitt humör',
      { ...trend, days: [{ day: '2026-11-23', entries: 1, score: null }, trend.days[0]] },
      'Från 2026-11-23 till 2026-11-25 mådde du ganska bra (3 anteckningar):\n- 2026-11-23: mycket bra',
    ],
    ['jag är glad', undefined, 'Det gick inte. Säg till exempel "jag är glad idag".'],
  ])('%s', (text, result, told) => {
    expect(commands.tell({ text, tool: '', result })).toBe(told);
  });
});
