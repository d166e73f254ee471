import { Hono } from 'hono';
import { HookProvider, hookHeaders, HookTaken } from '#domain/git-hook.ts';
import { settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { IdInPath, idsIn, readHook } from '#worker/http/input.ts';
import { sealer } from '#worker/http/sealed-cookie.ts';
import { receiveHook } from '#worker/services/git_hooks/receive.ts';

/** The largest delivery that is read: a push of two thousand commits has less. */
const BODY_MAX = 5_242_880;
/** Of what a header says, the beginning is enough to know it. */
const HEADER_MAX = 4_200;

/** What the providers of repositories send. Nobody is signed in: each proves itself by the repository's key. */
export const gitHooks = new Hono<AppEnv>().post(
	'/hooks/:provider/:id',
	describe('change.receive', 'What GitHub, GitLab or Gitea says happened in a repository, signed with its key', {
		schema: HookTaken,
	}),
	idsIn('hook', { provider: HookProvider, id: IdInPath }),
	async (c) => {
		const { provider, id: repo_id } = c.req.valid('param');
		const header = (name: string) => (c.req.header(name) ?? '').slice(0, HEADER_MAX);
		const { event, proof } = hookHeaders[provider];
		const body = await readHook(c.req.raw, BODY_MAX);
		const delivery = { provider, repo_id, event: header(event), proof: header(proof), body };
		return c.json(await settled(() => receiveHook(c.var.ctx, sealer(c), delivery)));
	},
);
