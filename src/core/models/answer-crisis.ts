/** What somebody says who thinks of ending their life, and where such a person finds help. */
interface Crisis {
  readonly said: RegExp;
  readonly answer: string;
}

// Who does not want to live in Paris, or to wake up early, wants something else; not so who does not in this world.
const elsewhere = {
  en: '(?! (?:in(?! (?:this|pain))|at|near|off|on|early|late|before|to|with my)\\b)',
  sv: '(?! (?:i(?! (?:dag|morgon|de[nt] här))|på|hos|med mi(?:n|na|tt))(?!\\p{L}))',
};

/** A text that may be meant, such as the title of a song, is answered too: a wrong alarm does less harm than a missing one. */
const languages: readonly Crisis[] = [
  {
    said: new RegExp(
      `\\b(?:${[
        '(?:kill|hang|harm)(?:ing)? my ?self|(?:cutting|like hurting) myself|self[- ]harming|commit(?:ting)? suicide',
        "(?<!not |n'?t )want to (?:hurt|cut) myself|think(?:ing)? (?:of|about) suicide|suicidal thoughts",
        '(?:want to|going to|taken? an|took an) overdose|(?:end|ending) it all|nothing to live for|better off (?:dead|without me)',
        '(?:end|ending|take|taking) my (?:own )?life(?! (?:back|for|insurance|in(?:to)? my|jacket|of|savings|story|to|vest)\\b)',
        "(?:i'?m|am|feel|feeling) (?:\\w+ )?suicidal|(?:i'?m|am) ready to die|feel like dying|(?:not|isn'?t) worth living",
        // Not "I could die of laughter", "I'd rather die than eat that", nor what is going to die.
        "(?<!not |n'?t )(?:want to|wanna)(?: just)? (?:die|be dead)|rather (?:die|be dead)(?! (?:than(?! live)|on)\\b)",
        "wish i (?:(?:was|were)(?: dead| never born|n'?t alive| not alive)|could die)|wish i(?: had|'d) never been born",
        `(?:don'?t|do not|no longer) (?:want to|wanna) (?:live|be alive|exist|wake up|be here any ?more)${elsewhere.en}`,
        `(?:no reason to live|tired of (?:living|being alive))${elsewhere.en}|can(?:'?t|not) (?:go on|live) (?:like this|any ?more|any longer)`,
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
        // Not "det tar livet av mig", nor "min fru kommer döda mig".
        '(?:ta|jag tar|tar jag) livet av mig|(?:avsluta|göra slut på|ta|jag tar|tar jag) mitt (?:eget )?liv(?! (?:i|på|till)(?!\\p{L}))',
        'döda mig själv|jag (?:vill|ska|tänker) (?:döda|skära) mig|hänga mig(?! på)|ta död på mig|skär(?:a|er)? mig själv',
        '(?:ta|begå|tänker på|funderar på) självmord|självmords(?:benägen|tankar)|(?:ta|tar|tog|tagit) en överdos|göra slut på allt',
        '(?<!inte )skad(?:a|ar|at) mig själv|önskar (?:att )?jag (?:var|vore) död|ha det bättre utan mig|inte vär[dt] att leva',
        'vill (?:(?!(?:inte|aldrig|att) )\\p{L}+ ){0,3}(?:dö|va(?:ra)? död)|(?:inget|ingenting) att leva för|trött på livet',
        'vill (?:bara )?(?:inte|aldrig) vakna (?:upp )?(?:mer|igen|i ?morgon)',
        `(?:slippa|trött på att|(?:vill|orkar) (?:bara )?inte(?: \\p{L}+)?) (?:leva|finnas)${elsewhere.sv}`,
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
export function answerCrisis(text: string): string | undefined {
  const plain = text.replaceAll(/[’‘´`]/g, "'").replaceAll(/\s+/g, ' ');
  return languages.find(({ said }) => said.test(plain))?.answer;
}
