import { describe, expect, it } from 'vitest';
import { clientAddress } from '#worker/http/client-address.ts';
import { cacheControl, chooseEncoding, type Manifest, resolveAsset } from '#worker/local-assets.ts';

const file = { type: 'text/html', etag: 'e', encodings: ['br', 'gzip'] satisfies ('br' | 'gzip')[] };
const manifest: Manifest = { '/index.html': file, '/_app/immutable/a.js': file, '/é.svg': file };

describe('the local assets', () => {
	it('answers a file, or the page for an address of the app', () => {
		expect(resolveAsset(manifest, '/_app/immutable/a.js')).toBe('/_app/immutable/a.js');
		expect(resolveAsset(manifest, '/%C3%A9.svg')).toBe('/é.svg');
		expect(resolveAsset(manifest, '/projects/3')).toBe('/index.html');
		expect(resolveAsset(manifest, '/')).toBe('/index.html');
	});
	it.each(['/_app/immutable/old.js', '/%'])('has nothing at %s', (path) => {
		expect(resolveAsset(manifest, path)).toBeNull();
	});
	it.each(['/constructor', '/__proto__', '/..%2f..%2fetc/passwd'])(
		'takes %s for an address, never for a file',
		(path) => {
			expect(resolveAsset(manifest, path)).toBe('/index.html');
		},
	);
	it.each([
		['br, gzip', 'br'],
		['gzip', 'gzip'],
		['gzip;q=0.5, br;q=0', 'gzip'],
		['identity', null],
		[null, null],
	])('for %s sends %s', (accept, encoding) => {
		expect(chooseEncoding(file, accept)).toBe(encoding);
	});
	it('lets only files with a hash in their name be kept', () => {
		expect(cacheControl('/_app/immutable/a.js')).toContain('immutable');
		expect(cacheControl('/index.html')).toContain('must-revalidate');
	});
});

describe('the client address', () => {
	const request = (headers: Record<string, string>, clientIp?: string) =>
		Object.assign(new Request('http://hub/', { headers }), { cf: clientIp === undefined ? undefined : { clientIp } });

	it.each([
		['127.0.0.1:4711', '127.0.0.1'],
		['[::1]:4711', '::1'],
		['[2001:db8::7]', '2001:db8::7'],
		['2001:db8::7', '2001:db8::7'],
		[undefined, 'unknown'],
	])('is the peer %s locally, whatever a header says', (peer, address) => {
		expect(clientAddress(request({ 'cf-connecting-ip': '6.6.6.6' }, peer), { UHUB_LOCAL: '1' })).toBe(address);
	});
	it('is what Cloudflare says in production', () => {
		const forged = request({ 'cf-connecting-ip': '203.0.113.9', 'x-forwarded-for': '6.6.6.6' }, '6.6.6.6:1');
		expect(clientAddress(forged, {})).toBe('203.0.113.9');
	});
});
