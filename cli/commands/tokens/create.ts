import { TokenScope } from '#domain/token.ts';
import { many, text, whole } from '../../args.ts';
import { command } from '../../command.ts';
import { usage } from '../../failure.ts';
import { TokenMade } from '../../rows.ts';
import { expiryIn } from '../../tokens.ts';
import { moment } from '../../words.ts';
import { asOwner, ownerOptions } from './as-owner.ts';

export const createToken = command({
	name: 'tokens create',
	summary: 'make an API token, shown this once; asks for your password',
	operands: [],
	options: {
		name: text('NAME', 'what it is for'),
		scope: many('SCOPE', TokenScope, 'what it may do'),
		days: whole('N', 1, 366, 'how long it lives (default 90)'),
		...ownerOptions,
	},
	run: async ({ values }, tools) => {
		const { name, scope: scopes, days } = values;
		if (name === undefined) throw usage('--name is missing.');
		if (scopes.length === 0) throw usage('--scope is missing.');
		const made = await asOwner(values.username, tools, (api) =>
			api.post('/tokens', { name, scopes, ...expiryIn(days) }, TokenMade),
		);
		// The token alone goes to standard output, so that it can be handed on without being seen.
		tools.out.show(made, () => made.token);
		if (!tools.out.json)
			tools.out.note(`Token ${String(made.id)}, good until ${moment(made.expires_at) ?? ''}. It is not shown again.`);
		return undefined;
	},
});
