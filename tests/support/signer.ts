// A signing key of a test's own, and what `uhub-agent sign` would make with it.
import { generateKeyPairSync, sign } from 'node:crypto';
import type { Signature } from '#domain/job-signature.ts';
import { type RunSpec, signedText, templateOf } from '#protocol/run-spec.ts';

export class Signer {
	readonly #pair = generateKeyPairSync('ed25519');
	/** As policies name it. */
	readonly key = String(this.#pair.publicKey.export({ format: 'jwk' }).x);

	signature(hub: string, spec: RunSpec, { serial = 1, not_after = null as string | null } = {}): Signature {
		const text = signedText({ hub, serial, not_after, template: templateOf(spec) });
		const value = sign(null, Buffer.from(text), this.#pair.privateKey).toString('base64url');
		return { key: this.key, value, serial, not_after };
	}

	signed(hub: string, spec: RunSpec, more?: { serial?: number; not_after?: string | null }): RunSpec {
		return { ...spec, signature: this.signature(hub, spec, more) };
	}
}
