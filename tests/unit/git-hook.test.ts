import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GitChangeCreate } from '#domain/repo.ts';
import { HookProvider, readHook } from '#domain/git-hook.ts';
import { isProved } from '#worker/services/git_hooks/proof.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const payload = (name: string) => JSON.parse(readFileSync(`tests/support/hooks/${name}.json`, 'utf8')) as unknown;
const events: Record<HookProvider, [event: string, file: string][]> = {
	github: [
		['push', 'github-push'],
		['pull_request', 'github-pull-request'],
	],
	gitea: [
		['push', 'gitea-push'],
		['pull_request', 'gitea-pull-request'],
	],
	gitlab: [
		['Push Hook', 'gitlab-push'],
		['Merge Request Hook', 'gitlab-merge-request'],
	],
};
const all = Object.entries(events).flatMap(([provider, some]) =>
	some.map(([event, file]) => ({ provider: HookProvider.parse(provider), event, body: payload(file) })),
);

describe('29: the proof', () => {
	it('29: is as GitHub documents it', async () => {
		const secret = "It's a Secret to Everybody";
		const good = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
		expect(await isProved('github', secret, good, bytes('Hello, World!'))).toBe(true);
		for (const [proof, body] of [
			[good, 'Hello, World?'],
			[good.replace('757', '758'), 'Hello, World!'],
			[good.replace('sha256=', ''), 'Hello, World!'],
			[good.replace('sha256=', 'sha1='), 'Hello, World!'],
			[`${good}00`, 'Hello, World!'],
			['', 'Hello, World!'],
			['sha256=', 'Hello, World!'],
		] as const)
			expect(await isProved('github', secret, proof, bytes(body)), `${proof} ${body}`).toBe(false);
		expect(await isProved('gitea', secret, good.replace('sha256=', ''), bytes('Hello, World!'))).toBe(true);
	});

	it('29: of GitLab is the secret itself, whole', async () => {
		for (const [token, good] of [
			['a secret', true],
			['a secre', false],
			['a secret ', false],
			['', false],
			['A SECRET', false],
		] as const)
			expect(await isProved('gitlab', 'a secret', token, bytes('{}')), token).toBe(good);
	});
});

describe('what a provider says', () => {
	it('is read as the changes in it', () => {
		expect(readHook('github', 'push', payload('github-push'))).toMatchObject({
			at: '2026-11-28T22:00:00.000Z',
			changes: [
				{
					change_type: 'commit',
					external_id: 'b'.repeat(40),
					title: 'Update README.md',
					author: 'Baxter',
					branch: 'main',
					committed_at: '2026-11-28T13:20:41.000Z',
				},
				{ external_id: 'c'.repeat(40), title: 'Fix the basket' },
			],
		});
		expect(readHook('github', 'pull_request', payload('github-pull-request'))?.changes).toEqual([
			{
				change_type: 'pull_request',
				external_id: '1347',
				title: 'Amazing new feature',
				url: 'https://github.com/octocat/Hello-World/pull/1347',
				author: 'octocat',
				branch: 'new-topic',
				committed_at: '2026-11-28T10:00:00.000Z',
			},
		]);
		expect(readHook('gitlab', 'Push Hook', payload('gitlab-push'))).toMatchObject({
			at: null,
			changes: [{ change_type: 'commit', title: 'Update Catalan translation to e38cb41.', author: 'Jordi Mallach' }],
		});
		expect(readHook('gitlab', 'Merge Request Hook', payload('gitlab-merge-request'))).toMatchObject({
			at: '2026-11-28T09:23:34.000Z',
			changes: [{ change_type: 'merge_request', external_id: '16', branch: 'ms-viewport', author: 'Administrator' }],
		});
		expect(readHook('gitea', 'push', payload('gitea-push'))).toMatchObject({
			at: '2026-11-28T17:52:12.000Z',
			changes: [{ change_type: 'commit', title: 'Webhooks Yay!', branch: 'develop' }],
		});
		expect(readHook('gitea', 'pull_request', payload('gitea-pull-request'))?.changes).toMatchObject([
			{ change_type: 'pull_request', external_id: '7', branch: 'fix/discount' },
		]);
	});

	it('is nothing where it is another event, a tag or no event at all', () => {
		for (const event of ['ping', 'issues', '', '__proto__', 'constructor', 'toString'])
			for (const { provider, body } of all) expect(readHook(provider, event, body), event).toBeNull();
		expect(readHook('github', 'push', { ref: 'refs/tags/v1', commits: [] })).toBeNull();
		for (const body of [null, 1, 'x', [], {}]) expect(readHook('gitlab', 'Merge Request Hook', body)).toBeNull();
		expect(readHook('github', 'push', { ref: 'refs/heads/main', commits: 'x' })?.changes).toEqual([]);
	});

	it('12 13 15: gives changes that may be kept, whatever is in it', () => {
		const evil = fc.oneof(
			fc.string({ maxLength: 600 }),
			fc.constantFrom(
				'javascript:alert(1)',
				'<script>',
				'\u202eevil',
				'--upload-pack=id',
				'=1+1',
				'a\nb',
				'\u0000',
				' ',
			),
			fc.integer(),
			fc.constant(null),
			fc.object({ maxDepth: 1 }),
		);
		const commit = fc.record(
			{
				id: fc.oneof(evil, fc.constant('ab12cd')),
				message: evil,
				timestamp: evil,
				url: evil,
				author: fc.oneof(evil, fc.record({ name: evil })),
			},
			{ requiredKeys: [] },
		);
		fc.assert(
			fc.property(fc.array(fc.oneof(commit, evil), { maxLength: 5 }), evil, evil, (commits, name, time) => {
				const told = [
					readHook('github', 'push', { ref: `refs/heads/${typeof name === 'string' ? name : 'x'}`, commits }),
					readHook('gitea', 'pull_request', {
						number: 5,
						pull_request: { title: name, html_url: name, user: { login: name }, head: { ref: name }, updated_at: time },
					}),
					readHook('gitlab', 'Merge Request Hook', {
						user: { name },
						object_attributes: { iid: 5, title: name, url: name, source_branch: name, updated_at: time },
					}),
				].flatMap((event) => event?.changes ?? []);
				for (const change of told)
					expect(GitChangeCreate.safeParse(change).error?.issues, JSON.stringify(change)).toBeUndefined();
			}),
			{ numRuns: 300 },
		);
	});

	it('is bounded: of a push of many the latest', () => {
		const commits = Array.from({ length: 2048 }, (_, n) => ({ id: `c${String(n)}` }));
		const read = readHook('github', 'push', { ref: 'refs/heads/main', commits });
		expect(read?.changes).toHaveLength(200);
		expect(read?.changes.at(-1)?.external_id).toBe('c2047');
	});
});
