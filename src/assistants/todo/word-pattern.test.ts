import { expect, test } from 'vitest';
import { useProduct } from '../../../test/harness/product.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { sql } from '../../platform/postgres/index.ts';
import { wordPattern } from './word-pattern.ts';

const product = useProduct();

async function finds(word: string, title: string, language?: 'sv'): Promise<boolean | undefined> {
  const statement = sql<{ found: boolean }>`
    -- test.find_word
    select ${title}::text ~* ${wordPattern(word, language)}::text as found`;
  const [row] = await product.postgres.query(statement, testContext());
  return row?.found;
}

test.each([
  ['milk', 'milks', 'buy'],
  ['BOOK', 'books', 'return the'],
  ['box', 'boxes', 'throw out'],
  ['berry', 'berries', 'pick a'],
  ['shirt', 'shirts', 'wash my'],
  ['photo', 'photos', 'print the'],
  ['mjölk', 'mjölken', 'köp'],
  ['räkning', 'räkningarna', 'betala'],
  ['räkningen', 'räkningar', 'betala'],
  ['bil', 'bilen', 'tvätta'],
  ['biljett', 'biljetter', 'boka'],
  ['biljetten', 'biljetterna', 'skriv ut'],
  ['paket', 'paketet', 'skicka'],
  ['tomat', 'tomater', 'köp'],
  ['blomman', 'blommor', 'vattna'],
  ['veckan', 'veckorna', 'planera'],
  ['bulle', 'bullar', 'baka'],
  ['äpple', 'äpplet', 'ät'],
  ['möte', 'mötet', 'förbered'],
  ['nyckel', 'nyckeln', 'hämta'],
  ['nyckel', 'nycklar', 'hämta'],
  ['cykeln', 'cyklarna', 'laga'],
  ['dator', 'datorn', 'byt'],
  ['konto', 'konton', 'öppna'],
  ['sko', 'skor', 'köp'],
  ['bank', 'banken', 'ring'],
  ['rapport', 'rapporten', 'tips om'],
  ['present', 'presenten', 'kort med'],
  ['gren', 'grenar', 'klipp'],
  ['lampa', 'lampan', 'byt'],
  ['hus', 'huset', 'måla'],
  ['faktura', 'fakturor', 'betala'],
  ['tröja', 'tröjor', 'tvätta'],
])('"%s" and "%s" find each other after "%s"', async (one, other, before) => {
  expect(await finds(one, `${before} ${other}`)).toBe(true);
  expect(await finds(other, `${before} ${one}`)).toBe(true);
  expect(await finds(one, `${before} ${one}, nu`)).toBe(true);
});

test.each([
  ['tea', 'write to the team at last'],
  ['am', 'write to the team at last'],
  ['bu', 'catch the bus'],
  ['ver', 'över en fika'],
  ['car', 'visit the career fair'],
  ['bil', 'köp biljetter'],
  ['glas', 'köp glass'],
  ['wall', 'find my wallet'],
  ['plan', 'water the plants and planes'],
  ['print', 'buy a printer'],
  ['cola', 'pick a color'],
  ['visa', 'fix the sun visor'],
  ['cell', 'clean the cellar'],
  ['list', 'listen to the podcast'],
  ['wood', 'fix the wooden door'],
  ['gold', 'golden wedding party'],
  ['kit', 'feed the kitten'],
  ['mitt', 'find the mittens'],
  ['pill', 'tidy the pillar'],
  ['sing', 'book the singer'],
  ['pock', 'empty my pocket'],
  ['mark', 'go to the market'],
  ['bank', 'thank the banker'],
  ['sofa', 'sofar so good'],
  ['mot', 'book a motel'],
  ['ticket', 'tick the box'],
  ['color', 'cola'],
  ['hero', 'heron watch'],
])('"%s" is not in "%s"', async (word, title) => {
  expect(await finds(word, title)).toBe(false);
});

test.each([
  ['bilen', 'bil'],
  ['hyran', 'hyra'],
  ['rapport', 'rapporten'],
])('"%s" is "%s" for who writes in Swedish, and nobody else', async (word, title) => {
  expect(await finds(word, title, 'sv')).toBe(true);
  expect(await finds(word, title)).toBe(false);
});

test('who writes in Swedish finds no Swedish forms in English titles of several words', async () => {
  expect(await finds('mark', 'go to the market', 'sv')).toBe(false);
});
