import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedOnly } from '#agent/executors/webhook/send.ts';
import { addressAllowed, WebhookPolicy, webhookRefusal, type WebhookSpec } from '#agent/policy/webhook.ts';
import { AddressRefused } from '#protocol/run-request.ts';

const policy = WebhookPolicy.parse({ networks: ['10.0.0.0/8', 'fd00::/8'], hosts: ['*.example.org', 'hooks'] });
const refusal = (url: string, via: 'hub' | 'agent' = 'agent') => {
	const config: WebhookSpec = { url, via, secret_ref: 'env:KEY' };
	return webhookRefusal(config, policy);
};

describe('30: what an agent may call', () => {
	it.each([
		'http://10.1.2.3/',
		'https://[fd00::1]:8443/x',
		'https://a.example.org/',
		'http://HOOKS:8080/',
		'https://a.example.org./',
		'http://0x0a000001/',
	])('is what its policy names: %s', (url) => {
		expect(refusal(url)).toBeNull();
	});

	it.each([
		['http://11.0.0.1/', 'webhook.networks'],
		['http://169.254.169.254/latest', 'webhook.networks'],
		['http://127.0.0.1/', 'webhook.networks'],
		['http://2130706433/', 'webhook.networks'],
		['http://0177.0.0.1/', 'webhook.networks'],
		['http://[::1]/', 'webhook.networks'],
		['http://[::ffff:127.0.0.1]/', 'webhook.networks'],
		['https://example.org/', 'webhook.hosts'],
		['https://a.example.org.evil.net/', 'webhook.hosts'],
		['https://localhost/', 'webhook.hosts'],
	])('and nothing else, however it is spelt: %s', (url, rule) => {
		expect(refusal(url)).toContain(rule);
	});

	it('is nothing where the policy is silent, and nothing that the hub itself should send', () => {
		expect(webhookRefusal({ url: 'http://10.0.0.1/', via: 'agent', secret_ref: 'env:K' }, null)).toContain('(webhook)');
		expect(
			webhookRefusal({ url: 'http://10.0.0.1/', via: 'agent', secret_ref: 'env:K' }, WebhookPolicy.parse({})),
		).not.toBeNull();
		expect(refusal('http://10.0.0.1/', 'hub')).toContain('leaves to the hub');
		for (const networks of [['10.0.0.0'], ['all'], ['10.0.0.0/8 11.0.0.0/8'], ['::/129']])
			expect(WebhookPolicy.safeParse({ networks }).success, networks[0]).toBe(false);
	});

	it('an address is allowed exactly where one of the networks holds it', () => {
		const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
		const number = (parts: readonly number[]) => parts.reduce((all, part) => all * 256 + part, 0);
		fc.assert(
			fc.property(address, address, fc.integer({ min: 0, max: 32 }), (one, first, bits) => {
				const size = 2 ** (32 - bits);
				const inside = Math.floor(number(one) / size) === Math.floor(number(first) / size);
				expect(addressAllowed(one.join('.'), [`${first.join('.')}/${String(bits)}`])).toBe(inside);
				expect(addressAllowed(`::ffff:${one.join('.')}`, [`${first.join('.')}/${String(bits)}`])).toBe(inside);
			}),
		);
	});
});

describe('30: a name', () => {
	/** What a connection would be made to; the names lead to each of these answers in turn. */
	const looked = (answers: string[][], all: boolean) => {
		let n = 0;
		const lookup = allowedOnly(
			(address) => addressAllowed(address, policy.networks),
			(_name, _options, done) => {
				done(
					null,
					(answers[n++] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
				);
			},
		);
		return {
			asked: () => n,
			lookup: () =>
				new Promise((resolve, reject) => {
					lookup('a.example.org', { all }, (error, address) => {
						if (error) reject(error);
						else resolve(address);
					});
				}),
		};
	};

	it('is connected to only where it leads to an allowed address, which is the one that is connected to', async () => {
		const mixed = [['127.0.0.1', '10.0.0.7', '::1', 'fd00::2']];
		expect(await looked(mixed, false).lookup()).toBe('10.0.0.7');
		expect(await looked(mixed, true).lookup()).toEqual([
			{ address: '10.0.0.7', family: 4 },
			{ address: 'fd00::2', family: 6 },
		]);
	});

	it.each([[['127.0.0.1']], [['169.254.169.254', '::1']], [[]]])('that leads to %s is not', async (answers) => {
		await expect(looked([answers], true).lookup()).rejects.toThrow(AddressRefused);
	});

	it('that leads elsewhere a moment later was looked up once', async () => {
		const rebinding = looked([['10.0.0.7'], ['127.0.0.1']], true);
		expect(await rebinding.lookup()).toEqual([{ address: '10.0.0.7', family: 4 }]);
		expect(rebinding.asked()).toBe(1);
		await expect(rebinding.lookup()).rejects.toThrow(AddressRefused);
	});
});
