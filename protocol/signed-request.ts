/** How a request is signed, as Standard Webhooks has it: HMAC-SHA256 over `signedContent`, under `signingKey`. */
export const signedContent = (id: string, timestamp: number, body: string): string =>
	`${id}.${String(timestamp)}.${body}`;

/** The bytes of a key: of `whsec_…` what the base64 behind it says, as its libraries read it; of any other text its own. */
export function signingKey(secret: string): Uint8Array<ArrayBuffer> {
	if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret) || (secret.length - 'whsec_'.length) % 4 !== 0)
		return new Uint8Array(new TextEncoder().encode(secret));
	return Uint8Array.from(atob(secret.slice('whsec_'.length)), (char) => char.charCodeAt(0));
}

interface Named {
	event: string;
	id: string;
	/** The hub's. */
	version: string;
}

/** The headers that name a request. What an admin adds cannot take their place. */
export const namedHeaders = ({ event, id, version }: Named): Record<string, string> => ({
	'content-type': 'application/json',
	'user-agent': `uHub/${version}`,
	'uhub-event': event,
	'webhook-id': id,
});

/** And those that sign it. */
export const signedHeaders = (
	signed: Named & {
		timestamp: number;
		/** Of `signedContent`, in base64. */
		hmac: string;
	},
): Record<string, string> => ({
	...namedHeaders(signed),
	'webhook-timestamp': String(signed.timestamp),
	'webhook-signature': `v1,${signed.hmac}`,
});
