import { defineTool, Type } from '../../../kit/index.ts';
import { toCategory } from '../expenses.ts';
import { meantCurrency, toDecimal, toMinor } from '../money.ts';
import { deleteBudget, putBudget } from '../queries.ts';
import { Amount, Category, SaidCurrency } from '../schemas.ts';
import { getSettings } from '../settings.ts';

export const setBudget = defineTool({
  name: 'set_budget',
  description:
    'Sets what the user means to spend on a category in each month. Without a currency it is the user\'s own. The amount "0" takes the budget away.',
  input: Type.Object(
    { amount: Amount, currency: Type.Optional(SaidCurrency), category: Category },
    { additionalProperties: false },
  ),
  writes: true,
  async run(input, context) {
    const settings = await getSettings(context);
    const currency = meantCurrency(input.currency, settings.currency);
    const category = toCategory(input.category);
    const { language } = settings;
    if (Number(input.amount) === 0) {
      await context.query(deleteBudget, { category, currency });
      return { budget: { category, currency, amount: null }, language };
    }
    const amountMinor = toMinor(input.amount, currency);
    await context.query(putBudget, { category, currency, amountMinor });
    return { budget: { category, currency, amount: toDecimal(amountMinor, currency) }, language };
  },
});
