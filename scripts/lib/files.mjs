// Makes of the app's files, and of what people may download, what a server wants: compressed siblings and a manifest.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

const TYPES = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
	'.mjs': 'text/javascript; charset=utf-8',
	'.css': 'text/css; charset=utf-8',
	'.json': 'application/json',
	'.webmanifest': 'application/manifest+json',
	'.svg': 'image/svg+xml',
	'.txt': 'text/plain; charset=utf-8',
	'.md': 'text/markdown; charset=utf-8',
	'.map': 'application/json',
	'.wasm': 'application/wasm',
	'.png': 'image/png',
	'.ico': 'image/x-icon',
	'.woff2': 'font/woff2',
};
const COMPRESSIBLE = new Set([
	'.html',
	'.js',
	'.mjs',
	'.css',
	'.json',
	'.webmanifest',
	'.svg',
	'.txt',
	'.md',
	'.map',
	'.wasm',
]);
const SMALLEST_WORTH_COMPRESSING = 1024;

/** Cloudflare compresses by itself and must not publish ours; how long a file may be kept it reads from _headers. */
const FOR_CLOUDFLARE = {
	'.assetsignore': '*.br\n*.gz\n',
	_headers: '/_app/immutable/*\n  cache-control: public, max-age=31536000, immutable\n',
};

/** The bundles that other machines fetch from a hub; worker/routes/downloads.ts hands them out. */
const DOWNLOADS = ['uhub-agent.mjs', 'uhub.mjs'];

/** @param {string} root */
export async function buildFiles(root) {
	const dir = path.join(root, 'build');
	fs.mkdirSync(path.join(dir, 'downloads'), { recursive: true });
	for (const name of DOWNLOADS) fs.copyFileSync(path.join(root, 'dist', name), path.join(dir, 'downloads', name));
	for (const [name, content] of Object.entries(FOR_CLOUDFLARE)) fs.writeFileSync(path.join(dir, name), content);
	fs.mkdirSync(path.join(root, 'dist/local'), { recursive: true });
	fs.writeFileSync(path.join(root, 'dist/local/assets.json'), JSON.stringify(compressAll(dir)));
}

/** @param {string} dir @returns {Record<string, {type: string, etag: string, encodings: string[]}>} */
function compressAll(dir) {
	/** @type {ReturnType<typeof compressAll>} */
	const manifest = {};
	const files = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
	for (const name of files) {
		const file = path.join(dir, name);
		if (/(^|\/)[._]headers$|(^|\/)\.|\.(br|gz)$/.test(name) || !fs.statSync(file).isFile()) continue;
		const content = fs.readFileSync(file);
		const extension = path.extname(name);
		const encodings = [];
		if (COMPRESSIBLE.has(extension) && content.length >= SMALLEST_WORTH_COMPRESSING) {
			fs.writeFileSync(
				`${file}.br`,
				zlib.brotliCompressSync(content, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 9 } }),
			);
			fs.writeFileSync(`${file}.gz`, zlib.gzipSync(content, { level: 9 }));
			encodings.push('br', 'gzip');
		}
		manifest[`/${name.split(path.sep).join('/')}`] = {
			type: TYPES[/** @type {keyof typeof TYPES} */ (extension)] ?? 'application/octet-stream',
			etag: createHash('sha256').update(content).digest('base64url').slice(0, 16),
			encodings,
		};
	}
	return manifest;
}
