import { command } from '../command.ts';
import { User } from '../rows.ts';
import { details } from '../table.ts';
import { moment } from '../words.ts';

export const whoami = command({
	name: 'whoami',
	summary: 'who is signed in, and where',
	operands: [],
	options: {},
	run: async (_, { out, hub }) => {
		const { api, origin, account } = await hub();
		const me = await api.get('/auth/me', User);
		out.show(me, (style) =>
			details(
				[
					['user', me.username, 'strong'],
					['name', me.display_name],
					['role', me.role],
					['hub', origin],
					['token until', moment(account?.expires_at ?? null)],
				],
				style,
			),
		);
		return undefined;
	},
});
