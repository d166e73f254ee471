import { command } from '../../command.ts';
import { isId, named } from '../../find.ts';
import { Token, pageOf } from '../../rows.ts';
import { asOwner, ownerOptions } from './as-owner.ts';

export const revokeToken = command({
	name: 'tokens revoke',
	summary: 'revoke an API token, by its name or id; asks for your password',
	operands: ['TOKEN'],
	options: ownerOptions,
	run: async ({ of, values }, tools) => {
		const revoked = await asOwner(values.username, tools, async (api) => {
			const token = isId(of.TOKEN)
				? await api.get(`/tokens/${of.TOKEN}`, Token)
				: await named(
						'token',
						of.TOKEN,
						({ name }: Token) => name,
						(query) => api.get('/tokens', pageOf(Token), { query }),
					);
			await api.remove(`/tokens/${String(token.id)}`, token.version);
			return token;
		});
		tools.out.show(revoked, () => `Token ${String(revoked.id)} is revoked.`);
		return undefined;
	},
});
