import { m } from '#lib/paraglide/messages.js';

/** The schemas speak to programs, in English: what people meet often is said in their language, the rest as it is. */
const known: [RegExp, (said: string) => string][] = [
	[/^is required$/, m.field_required],
	[/^expected a number/, m.field_number],
	[/^expected a whole number/, m.field_integer],
	[/^not below (.*)$/, (min) => m.field_min({ min })],
	[/^not above (.*)$/, (max) => m.field_max({ max })],
	[/^expected a date/, m.field_date],
	[/^expected names of hosts/, m.field_hosts],
	[/^must not start with a dash/, m.field_dash],
	[/^says how Ansible reaches its hosts/, m.field_ansible_name],
	[/^is a text, which the job's arguments/, m.field_ansible_extra_vars],
	[/^would be read as a template by Ansible/, m.field_ansible_template],
	[/^(each name once|each option once|must not name one twice|is where another secret goes)/, m.field_twice],
	[/^expected letters, digits and \. _ -/, m.field_letters],
	[/^is the agent's own/, m.field_agents_own],
	[
		/must not be empty|expected string to have >=1|Invalid input: expected .*, received (undefined|null)/i,
		m.field_empty,
	],
	[/Too big|at most|expected string to have <=/i, m.field_too_long],
	[/Too small/i, m.field_too_small],
	[/must be after/i, m.field_after_start],
	[/^must not be after it comes again/, m.field_before_again],
	[
		/^what recurs starts between (\d+ and \d+)/,
		(years) => m.field_recurs_years({ years: years.replace(' and ', '–') }),
	],
	[/is taken/i, m.field_taken],
	[/zero-width|control/i, m.field_characters],
	[/at least 12 characters/i, m.field_password],
	[/^expected 2 to 40/i, m.field_username],
	[/^expected an https/i, m.field_https],
	[/^expected env:NAME/i, m.field_reference],
];

export function fieldMessage(message: string): string {
	for (const [test, words] of known) {
		const found = test.exec(message);
		if (found) return words(found[1] ?? '');
	}
	return message;
}
