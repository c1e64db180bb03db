/** What somebody says who thinks of ending their life, and where such a person finds help. */
interface Despair {
  readonly said: RegExp;
  readonly answer: string;
}

const languages: readonly Despair[] = [
  {
    said: new RegExp(
      `\\b(?:${[
        '(?:kill|hang|harm)(?:ing)? myself|(?:want to|like) hurt(?:ing)? myself|commit(?:ting)? suicide',
        "(?:end|ending|take|taking) my (?:own )?life(?! insurance)|(?:i'?m|am|feel|feeling) (?:\\w+ )?suicidal|no reason to live",
        // Not "I could die of laughter", nor what is going to die.
        '(?:want|wanna|ready|rather)(?: to)?(?: just)? (?:die|be dead)|feel like dying|wish i (?:(?:was|were) dead|could die)',
        "(?:don'?t|do not) (?:want to|wanna) (?:live|be alive|exist|wake up)|better off dead",
      ].join('|')})\\b`,
      'i',
    ),
    answer:
      'I am sorry that it is so hard. I am only a program, but there are people who listen. If you are in danger, call your ' +
      'emergency number: 112 in Europe, 911 in the US. https://findahelpline.com has somebody to talk to in your country. ' +
      'You do not have to be alone with this.',
  },
  {
    said: new RegExp(
      `(?<!\\p{L})(?:${[
        '(?:ta|tar|tagit) (?:livet av mig|mitt (?:eget )?liv)|(?:begå|tänker på|funderar på) självmord|självmords(?:benägen|tankar)',
        'döda mig|skada mig själv|önskar (?:att )?jag (?:var|vore) död|slippa leva',
        'vill (?:\\p{L}+ ){0,2}dö|(?:vill|orkar) (?:bara )?inte (?:\\p{L}+ )?leva',
      ].join('|')})(?!\\p{L})`,
      'iu',
    ),
    answer:
      'Det gör mig ont att det är så svårt. Jag är bara ett program, men det finns människor som lyssnar. Är du i fara, ' +
      'ring 112. Självmordslinjen svarar på 90101, och 1177 vet vart du kan vända dig. Du behöver inte vara ensam med det.',
  },
];

/**
 * What to answer to somebody who speaks of ending their life, in English or Swedish: no advice of a program, only where
 * people are who help. Undefined for any other text.
 */
export function answerDespair(text: string): string | undefined {
  const plain = text.replaceAll(/[’‘´`]/g, "'").replaceAll(/\s+/g, ' ');
  return languages.find(({ said }) => said.test(plain))?.answer;
}
