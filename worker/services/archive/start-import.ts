import { isNull, sql } from 'drizzle-orm';
import type { ImportState } from '#domain/archive.ts';
import { imports } from '../../db/client.ts';
import { assertWithin, countAttempt, type Limit } from '../attempts.ts';
import { toBase64url } from '../bytes.ts';
import { commit, LostRace } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { atStart, hubIsEmpty, notEmpty, stateOf } from './import-row.ts';

/**
 * Begins an import, by the same guard as the set-up: whoever comes first to a hub without anybody. What an earlier one had brought
 * is dropped: it was cut off, or somebody chose another file.
 */
export async function startImport(ctx: Ctx): Promise<ImportState> {
	const limit: Limit = { subject: `import:${ctx.ip ?? ''}`, max: 60 };
	const [counted] = await countAttempt(ctx, limit);
	assertWithin(ctx, limit, counted);
	const token = toBase64url(crypto.getRandomValues(new Uint8Array(16)));
	try {
		const [, made] = await commit(
			ctx,
			{ kind: 'system' },
			{
				expect: [sql`${hubIsEmpty}`],
				statements: [
					ctx.db.delete(imports).where(isNull(imports.done_at)),
					ctx.db
						.insert(imports)
						.values({ token, progress: atStart, ...created(ctx) })
						.returning(),
				],
				// An empty hub has no history: the audit row is that of the import that is carried out.
				audit: [],
			},
		);
		return stateOf(one(made, 'import'));
	} catch (error) {
		throw error instanceof LostRace ? notEmpty() : error;
	}
}
