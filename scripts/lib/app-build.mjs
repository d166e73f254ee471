// Builds the app, then makes of its files what a server wants: no inline script, compressed siblings, a manifest.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

const TYPES = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
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
const COMPRESSIBLE = new Set(['.html', '.js', '.css', '.json', '.webmanifest', '.svg', '.txt', '.md', '.map', '.wasm']);
const SMALLEST_WORTH_COMPRESSING = 1024;

/** Cloudflare compresses by itself and must not publish ours; how long a file may be kept it reads from _headers. */
const FOR_CLOUDFLARE = {
	'.assetsignore': '*.br\n*.gz\n',
	_headers: '/_app/immutable/*\n  cache-control: public, max-age=31536000, immutable\n',
};

/** @param {string} root */
export async function buildApp(root) {
	const { status } = spawnSync(
		process.execPath,
		[path.join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'],
		{
			cwd: root,
			stdio: 'inherit',
		},
	);
	if (status !== 0) throw new Error('vite build failed');
	const dir = path.join(root, 'build');
	moveInlineScript(dir);
	for (const [name, content] of Object.entries(FOR_CLOUDFLARE)) fs.writeFileSync(path.join(dir, name), content);
	fs.mkdirSync(path.join(root, 'dist/local'), { recursive: true });
	fs.writeFileSync(path.join(root, 'dist/local/assets.json'), JSON.stringify(compressAll(dir)));
}

/**
 * SvelteKit boots the page with an inline script, which our content security policy forbids: it goes into a file.
 * @param {string} html
 * @returns {{html: string, script: {path: string, content: string} | null}}
 */
export function externaliseBootScript(html) {
	const inline = /<script(?![^>]*\bsrc=)([^>]*)>([\s\S]*?)<\/script>/.exec(html);
	const content = inline?.[2]?.trim();
	if (!inline || !content) return { html, script: null };
	// The script finds its place in the page by itself, but its relative imports were written for the page's address.
	const absolute = content.replaceAll(/import\((["'])\.?\/_app\//g, 'import($1/_app/');
	const hash = createHash('sha256').update(absolute).digest('base64url').slice(0, 8);
	const file = `_app/immutable/boot.${hash}.js`;
	return {
		html: html.replace(inline[0], () => `<script src="/${file}"></script>`),
		script: { path: file, content: absolute },
	};
}

/** @param {string} dir */
function moveInlineScript(dir) {
	const page = path.join(dir, 'index.html');
	const { html, script } = externaliseBootScript(fs.readFileSync(page, 'utf8'));
	if (/<script(?![^>]*\bsrc=)[^>]*>/.test(html)) throw new Error('build/index.html has more than one inline script');
	if (!script) return;
	fs.writeFileSync(path.join(dir, script.path), script.content);
	fs.writeFileSync(page, html);
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
