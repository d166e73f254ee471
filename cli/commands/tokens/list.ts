import { command } from '../../command.ts';
import { listed, listOptions, showList } from '../../pages.ts';
import { Token, pageOf } from '../../rows.ts';
import { moment } from '../../words.ts';
import { asOwner, ownerOptions } from './as-owner.ts';

export const listTokens = command({
	name: 'tokens list',
	summary: 'your API tokens; asks for your password',
	operands: [],
	options: { ...ownerOptions, ...listOptions },
	run: async ({ values }, tools) => {
		const page = await asOwner(values.username, tools, (api) =>
			listed(values, (query) => api.get('/tokens', pageOf(Token), { query })),
		);
		showList(tools.out, page, [
			{ head: 'ID', cell: ({ id }) => id, right: true },
			{ head: 'NAME', cell: ({ name }) => name, fit: true },
			{ head: 'MAY', cell: ({ scopes }) => scopes.join(' ') },
			{
				head: 'UNTIL',
				cell: ({ expires_at }) => moment(expires_at),
				tone: ({ expires_at }) => (Date.parse(expires_at) < Date.now() ? 'bad' : null),
			},
			{ head: 'LAST USED', cell: ({ last_used_at }) => moment(last_used_at) ?? 'never' },
		]);
		return undefined;
	},
});
