import type { TokenScope } from '#domain/token.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const scopeName: Words<TokenScope> = {
	read: m.scope_read,
	run: m.scope_run,
	write: m.scope_write,
	admin: m.scope_admin,
	metrics: m.scope_metrics,
	calendar: m.scope_calendar,
};

/** What can be chosen here, with what it lets a program do. */
export const offered = [
	{ scope: 'read', text: m.scope_read_text },
	{ scope: 'run', text: m.scope_run_text },
	{ scope: 'write', text: m.scope_write_text },
	{ scope: 'admin', text: m.scope_admin_text },
] as const satisfies { scope: TokenScope; text: () => string }[];
