import { Hono } from 'hono';
import { z } from 'zod';
import {
	BeginInput,
	CodeInput,
	Proof,
	RecoveryCodes,
	SecondFactor,
	SecondFactorSecret,
} from '#domain/second-factor.ts';
import { row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json } from '#worker/http/input.ts';
import { sealer } from '#worker/http/sealed-cookie.ts';
import { confirmSecondFactor } from '#worker/services/second_factor/confirm.ts';
import { disableSecondFactor } from '#worker/services/second_factor/disable.ts';
import { readSecondFactor } from '#worker/services/second_factor/read.ts';
import { renewRecoveryCodes } from '#worker/services/second_factor/renew.ts';
import { resetSecondFactor } from '#worker/services/second_factor/reset.ts';
import { startSecondFactor } from '#worker/services/second_factor/start.ts';
import { passwords } from '#worker/services/session/passwords.ts';

// Answers hold secrets, so none is kept for an Idempotency-Key.
export const secondFactor = new Hono<AppEnv>()
	.get(
		'/me/totp',
		describe('second_factor.read', 'Whether you have a second factor', { schema: SecondFactor }),
		async (c) => row(c, await readSecondFactor(c.var.ctx)),
	)
	.post(
		'/me/totp',
		describe('second_factor.start', 'Begin to set up an authenticator, with the password of whoever has one', {
			status: 201,
			schema: SecondFactorSecret,
		}),
		json(BeginInput),
		async (c) => {
			const ports = { sealer: sealer(c), passwords };
			const { hostname } = new URL(c.req.url);
			const begun = await settled(() => startSecondFactor(c.var.ctx, ports, hostname, c.req.valid('json')));
			return row(c, begun, 201);
		},
	)
	.post(
		'/me/totp/confirm',
		describe('second_factor.confirm', "Turn it on with the authenticator's first code; gives the recovery codes", {
			schema: RecoveryCodes,
		}),
		json(CodeInput),
		async (c) => row(c, await settled(() => confirmSecondFactor(c.var.ctx, sealer(c), c.req.valid('json').code))),
	)
	.post(
		'/me/totp/recovery-codes',
		describe('second_factor.renew', 'New recovery codes in the place of the old', { schema: RecoveryCodes }),
		json(Proof),
		async (c) => {
			const ports = { sealer: sealer(c), passwords };
			return row(c, await settled(() => renewRecoveryCodes(c.var.ctx, ports, c.req.valid('json'))));
		},
	)
	.post(
		'/me/totp/disable',
		describe('second_factor.disable', 'Turn it off, by a code or your password', { status: 204 }),
		json(Proof),
		async (c) => {
			await settled(() => disableSecondFactor(c.var.ctx, { sealer: sealer(c), passwords }, c.req.valid('json')));
			return c.body(null, 204);
		},
	)
	.post(
		'/users/:id/totp/reset',
		describe('second_factor.reset', "Take somebody's second factor away", { status: 204 }),
		idIn('user'),
		json(z.strictObject({})),
		async (c) => {
			await settled(() => resetSecondFactor(c.var.ctx, c.req.valid('param').id));
			return c.body(null, 204);
		},
	);
