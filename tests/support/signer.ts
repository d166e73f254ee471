// A signing key of a test's own, and what `uhub-agent sign` would make with it.
import { generateKeyPairSync, sign } from 'node:crypto';
import type { Signature } from '#domain/job-signature.ts';
import { type RunSpec, signedText, type Template, templateOf } from '#protocol/run-spec.ts';

interface More {
	serial?: number;
	not_after?: string | null;
}

export class Signer {
	readonly #pair = generateKeyPairSync('ed25519');
	/** As policies name it. */
	readonly key = String(this.#pair.publicKey.export({ format: 'jwk' }).x);

	signature(hub: string, spec: RunSpec, more: More = {}): Signature {
		return this.sign(hub, templateOf(spec), more);
	}

	sign(hub: string, template: Template, { serial = 1, not_after = null }: More = {}): Signature {
		const text = signedText({ hub, serial, not_after, template });
		const value = sign(null, Buffer.from(text), this.#pair.privateKey).toString('base64url');
		return { key: this.key, value, serial, not_after };
	}

	signed(hub: string, spec: RunSpec, more?: More): RunSpec {
		return { ...spec, signature: this.signature(hub, spec, more) };
	}
}
