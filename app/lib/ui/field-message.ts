import { m } from '#lib/paraglide/messages.js';

/** The schemas speak to programs, in English: what people meet often is said in their language, the rest as it is. */
const known: [RegExp, () => string][] = [
	[
		/must not be empty|expected string to have >=1|Invalid input: expected .*, received (undefined|null)/i,
		m.field_empty,
	],
	[/Too big|at most|expected string to have <=/i, m.field_too_long],
	[/Too small/i, m.field_too_small],
	[/must be after/i, m.field_after_start],
	[/is taken/i, m.field_taken],
	[/zero-width|control/i, m.field_characters],
	[/at least 12 characters/i, m.field_password],
	[/^expected 2 to 40/i, m.field_username],
	[/^expected an https/i, m.field_https],
	[/^expected env:NAME/i, m.field_reference],
];

export const fieldMessage = (message: string): string => known.find(([test]) => test.test(message))?.[1]() ?? message;
