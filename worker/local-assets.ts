// The ASSETS binding of the local hub: what Cloudflare does for a Worker's assets, over a directory and the manifest
// the build made of it. Cloudflare's own is used in production; see docs/adr/0002-local-launcher.md.

export interface AssetFile {
	type: string;
	etag: string;
	/** Which precompressed siblings exist, best first. */
	encodings: ('br' | 'gzip')[];
}
export type Manifest = Record<string, AssetFile>;

interface Env {
	FILES: Fetcher;
	MANIFEST: Manifest;
}

const SUFFIX = { br: '.br', gzip: '.gz' } as const;

/** The manifest's key for a path, or null when there is no such file and no page to fall back to. */
export function resolveAsset(manifest: Manifest, pathname: string): string | null {
	let path: string;
	try {
		path = decodeURIComponent(pathname);
	} catch {
		return null;
	}
	if (Object.hasOwn(manifest, path)) return path;
	// A missing chunk must be a 404: the page in its place would be parsed as JavaScript.
	if (path.startsWith('/_app/')) return null;
	return Object.hasOwn(manifest, '/index.html') ? '/index.html' : null;
}

export function chooseEncoding(file: AssetFile, accept: string | null): 'br' | 'gzip' | null {
	const accepted = new Set(
		(accept ?? '')
			.split(',')
			.map((part) =>
				part
					.trim()
					.toLowerCase()
					.split(/\s*;\s*/),
			)
			.filter(([, q]) => !/^q=0(\.0*)?$/.test(q ?? ''))
			.map(([name]) => name),
	);
	return file.encodings.find((encoding) => accepted.has(encoding)) ?? null;
}

export function cacheControl(path: string): string {
	return path.startsWith('/_app/immutable/')
		? 'public, max-age=31536000, immutable'
		: 'public, max-age=0, must-revalidate';
}

export default {
	async fetch(request, { FILES, MANIFEST }) {
		if (request.method !== 'GET' && request.method !== 'HEAD')
			return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
		const path = resolveAsset(MANIFEST, new URL(request.url).pathname);
		const file = path === null ? undefined : MANIFEST[path];
		if (path === null || file === undefined) return new Response(null, { status: 404 });

		const encoding = chooseEncoding(file, request.headers.get('accept-encoding'));
		const headers = new Headers({
			'content-type': file.type,
			'cache-control': cacheControl(path),
			etag: `"${file.etag}"`,
			vary: 'accept-encoding',
		});
		if (request.headers.get('if-none-match')?.includes(file.etag)) return new Response(null, { status: 304, headers });
		if (encoding) headers.set('content-encoding', encoding);

		const stored = await FILES.fetch(`http://files${encodeURI(path)}${encoding ? SUFFIX[encoding] : ''}`, {
			method: request.method,
		});
		if (!stored.ok) return new Response(null, { status: 404 });
		const length = stored.headers.get('content-length');
		if (length) headers.set('content-length', length);
		return new Response(stored.body, { headers, encodeBody: 'manual' });
	},
} satisfies ExportedHandler<Env>;
