import { type LookupAddress, lookup as resolveName } from 'node:dns';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { AddressRefused, type Answered } from '#protocol/run-request.ts';

type ResolveName = (
	name: string,
	options: { all: true },
	done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Looks a name up once, and gives only addresses that are allowed: the connection is made to one of these, so a name that leads elsewhere a
 * moment later changes nothing.
 */
export const allowedOnly =
	(allowed: (address: string) => boolean, resolve: ResolveName = resolveName): LookupFunction =>
	(name, options, done) => {
		resolve(name, { ...options, all: true }, (error, addresses) => {
			const open = addresses.filter(({ address }) => allowed(address));
			const [first] = open;
			if (error) done(error, []);
			else if (!first)
				done(new AddressRefused(`${name} leads where the policy does not let requests go (webhook.networks)`), []);
			else if (options.all) done(null, open);
			else done(null, first.address, first.family);
		});
	};

interface Letter {
	url: string;
	method: string;
	headers: Record<string, string>;
	body: string;
}

/** Sends it once, on a connection of its own. Redirects are not followed, and nothing is unpacked. */
export async function send(
	{ url, method, headers, body }: Letter,
	lookup: LookupFunction,
	signal: AbortSignal,
): Promise<Answered> {
	const { request: open } = url.startsWith('https:') ? https : http;
	const request = open(url, { method, headers, lookup, signal, agent: false });
	request.end(body);
	const [response] = (await once(request, 'response')) as [http.IncomingMessage];
	const parts: AsyncIterator<Buffer> = response[Symbol.asyncIterator]();
	return {
		status: response.statusCode ?? 0,
		statusText: response.statusMessage ?? '',
		header: (name) => {
			const value = response.headers[name];
			return Array.isArray(value) ? value.join(', ') : (value ?? null);
		},
		read: async () => {
			const next = await parts.next();
			return next.done ? null : next.value;
		},
		drop: () => response.destroy(),
	};
}
