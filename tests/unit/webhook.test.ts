import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAllowedAddress, networksIn } from '#domain/webhook-address.ts';
import { nextTry } from '#domain/webhook.ts';

describe('where webhooks may lead', () => {
	it('30: is read from networks, or is nothing', () => {
		expect(networksIn(undefined)).toEqual([]);
		expect(networksIn(' 10.0.0.0/8, fd00::/8\n127.0.0.1/32 ')).toEqual(['10.0.0.0/8', 'fd00::/8', '127.0.0.1/32']);
		for (const bad of ['10.0.0.0', '10.0.0.0/33', '300.0.0.0/8', 'all', 'fd00::/129', '10.0.0.0/8 public', ':::/8'])
			expect(networksIn(bad), bad).toBeNull();
	});

	it('30: an address is allowed as its network is', () => {
		const networks = ['10.0.0.0/8', '192.168.1.7/32'];
		for (const url of ['http://10.255.0.1:8080/x', 'https://192.168.1.7/', 'http://hooks.lan/', 'https://example.com/'])
			expect(isAllowedAddress(url, networks), url).toBe(true);
		for (const url of [
			'http://11.0.0.1/',
			'https://192.168.1.8/',
			'http://[fd00::1]/',
			'http://example.com/',
			'ftp://10.0.0.1/',
		])
			expect(isAllowedAddress(url, networks), url).toBe(false);
		expect(isAllowedAddress('http://[fd00::1]/', ['fd00::/8'])).toBe(true);
		expect(isAllowedAddress('http://hooks.lan/', [])).toBe(false);
	});

	it('30: no spelling of an IPv4 address of one’s own is open to all', () => {
		const own = fc.tuple(fc.constantFrom(10, 127, 0), fc.nat(255), fc.nat(255), fc.nat(255));
		fc.assert(
			fc.property(own, fc.constantFrom('dotted', 'decimal', 'hex', 'mapped'), ([a, b, c, d], how) => {
				const n = ((a * 256 + b) * 256 + c) * 256 + d;
				const host = {
					dotted: `${String(a)}.${String(b)}.${String(c)}.${String(d)}`,
					decimal: String(n),
					hex: `0x${n.toString(16)}`,
					mapped: `[::ffff:${String(a)}.${String(b)}.${String(c)}.${String(d)}]`,
				}[how];
				expect(isAllowedAddress(`https://${host}/`, [])).toBe(false);
			}),
		);
	});
});

describe('the back-off', () => {
	it('grows, and ends', () => {
		const waits = [1, 2, 3, 4, 5, 6, 7].map((tries) => nextTry(tries, 0) ?? 0);
		expect(waits).toEqual([...waits].sort((a, b) => a - b));
		expect(new Set(waits).size).toBe(7);
		expect(nextTry(8, 0)).toBeNull();
	});
});
