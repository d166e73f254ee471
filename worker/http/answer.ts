import { DomainError, invalid } from '#domain/errors.ts';
import { LostRace } from '#worker/services/commit.ts';
import type { Ctx } from '#worker/services/context.ts';
import { earlierAnswer, keepAnswer } from '#worker/services/idempotency.ts';
import { readAgain } from '#worker/services/read-again.ts';
import type { TextOf } from '#worker/db/row-text.ts';
import type { AppContext } from './context.ts';
import { HttpError } from './problem.ts';

type Status = 200 | 201 | 202;

/** A row, with its version as the ETag that an edit of it must name. */
export function row<R extends object>(c: AppContext, it: R, status: Status = 200) {
	if ('version' in it) c.header('etag', `"v${String(it.version)}"`);
	return c.json(it, status);
}

/** What is JSON already. */
export const text = <R>(c: AppContext, it: TextOf<R>) => c.body(it, 200, { 'content-type': 'application/json' });

/** The version that `If-Match` names. A proxy that compresses makes an ETag weak: that is the same version. */
export function ifMatch(c: AppContext): number {
	const header = c.req.header('if-match');
	if (header === undefined)
		throw new DomainError('precondition_required', 'Name the version you read: If-Match: "v7", from the ETag.');
	const version = /^(?:W\/)?"v([1-9]\d{0,9})"$/.exec(header)?.[1];
	if (version === undefined) throw invalid('If-Match', 'expected one ETag, as "v7"');
	return Number(version);
}

/**
 * Carries a verb out. A lost race wrote nothing, so the verb is run again: its reading then meets what the other one
 * made, and says so in its own words.
 */
export async function settled<R>(verb: () => Promise<R>): Promise<R> {
	for (let tries = 1; ; tries++) {
		try {
			return await verb();
		} catch (error) {
			if (!(error instanceof LostRace)) throw error;
			if (tries === 3) throw new DomainError('conflict', 'Others are changing this at the same time. Try again.');
		}
	}
}

/** Answers a POST. With an Idempotency-Key, the same request a second time gets the first one's answer. */
export async function posted<R extends object>(c: AppContext, status: Status, verb: (ctx: Ctx) => Promise<R>) {
	const key = c.req.header('idempotency-key');
	const request_hash = c.var.request_hash;
	if (key === undefined || request_hash === undefined) return row(c, await settled(() => verb(c.var.ctx)), status);

	const ctx = { ...c.var.ctx, idempotency: { key, request_hash } } satisfies Ctx;
	try {
		const made = await settled(() => verb(ctx));
		ctx.after(keepAnswer(ctx, ctx.idempotency, { status, body: made }));
		return row(c, made, status);
	} catch (error) {
		// Only now is the earlier one looked for: a first request does not pay for it. Who may no longer see the thing gets no copy.
		if (!(error instanceof DomainError) || ['not_signed_in', 'forbidden', 'not_found'].includes(error.code))
			throw error;
		const earlier = await earlierAnswer(ctx, key);
		if (earlier === null) throw error;
		if (earlier.request_hash !== request_hash)
			throw new HttpError(422, 'idempotency_mismatch', 'This Idempotency-Key was used for another request.');
		const replayed = (body: R, as: Status) => {
			c.header('idempotency-replayed', 'true');
			return row(c, body, as);
		};
		if (earlier.answer) return replayed(earlier.answer.body as R, earlier.answer.status);
		// It was carried out: the key stands in the same batch. The hub stopped before the answer was kept, or is about to keep it.
		const again = (await readAgain(ctx, earlier)) as R | null;
		if (again === null)
			throw new DomainError(
				'conflict',
				'The first request with this Idempotency-Key was carried out. Its answer is not known, or not yet: look at what it did.',
				{ retry_after_s: 1 },
			);
		ctx.after(keepAnswer(ctx, ctx.idempotency, { status, body: again }));
		return replayed(again, status);
	}
}
