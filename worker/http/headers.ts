import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from './context.ts';

const CSP = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	// Positions and sizes that are computed, set by the app as attributes; no style sheet can come in this way.
	"style-src-attr 'unsafe-inline'",
	"img-src 'self' data:",
	"font-src 'self'",
	"connect-src 'self'",
	"manifest-src 'self'",
	"base-uri 'none'",
	"form-action 'self'",
	"frame-ancestors 'none'",
].join('; ');

/** For bytes that people or scripts wrote: should a browser show them after all, it shows them as nobody's. */
export const UNTRUSTED_CSP = "default-src 'none'; frame-ancestors 'none'; sandbox";

const always: Record<string, string> = {
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
	'referrer-policy': 'same-origin',
	'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
	'cross-origin-opener-policy': 'same-origin',
	'cross-origin-resource-policy': 'same-origin',
};

/** The same headers on the API and on the pages. A WebSocket's answer is the object's own and cannot be changed. */
export const secureHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
	await next();
	if (c.res.status === 101) return;
	const { headers } = c.res;
	for (const [name, value] of Object.entries(always)) headers.set(name, value);
	if (!headers.has('content-security-policy')) headers.set('content-security-policy', CSP);
	if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
	headers.set('x-request-id', c.var.request_id);
	if (new URL(c.req.url).protocol === 'https:')
		headers.set('strict-transport-security', 'max-age=31536000; includeSubDomains');
};

/** `attachment` with a name that can hold anything: the plain part is reduced to safe characters, the other one encoded. */
export function attachment(name: string): string {
	const plain = name.replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, 100) || 'download';
	const encoded = encodeURIComponent(name.toWellFormed()).replace(
		/['()*]/g,
		(char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
	);
	return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
