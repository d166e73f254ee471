import { goto } from '$app/navigation';
import { navigating, page } from '$app/state';

/** This page's address with other parameters; an empty one is left out, and a list begins at its first page again. */
export function withParams(change: Record<string, string | null>, from = page.url): string {
	const params = new URLSearchParams(from.search);
	params.delete('cursor');
	for (const [key, value] of Object.entries(change))
		if (value) params.set(key, value);
		else params.delete(key);
	const text = params.toString();
	return page.url.pathname + (text ? `?${text}` : '');
}

/** Goes there without leaving the field that is being typed into. What was changed a moment ago, and is on its way, stays changed. */
export function setParams(change: Record<string, string | null>) {
	const going = navigating.to?.url;
	const from = going?.pathname === page.url.pathname ? going : page.url;
	return goto(withParams(change, from), { reset: false, replace: true });
}

/** Those parameters of an address that a list takes, as they are. */
export function pick<K extends string>(
	params: Pick<URLSearchParams, 'get'>,
	keys: readonly K[],
): Partial<Record<K, string>> {
	const out: Partial<Record<K, string>> = {};
	for (const key of keys) {
		const value = params.get(key);
		if (value) out[key] = value;
	}
	return out;
}
