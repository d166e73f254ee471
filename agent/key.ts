import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { checkPrivate } from './config.ts';
import { codeOf, Failure } from './failure.ts';

/** The agent's Ed25519 key. */
export class Key {
	readonly #key: KeyObject;
	/** Raw, base64url. */
	readonly public_key: string;
	/** SHA-256 of the raw public key in hexadecimal, for people to compare. */
	readonly fingerprint: string;

	constructor(key: KeyObject) {
		this.#key = key;
		const { x } = createPublicKey(key).export({ format: 'jwk' });
		if (key.asymmetricKeyType !== 'ed25519' || x === undefined) throw new Failure('The key is not an Ed25519 key.');
		this.public_key = x;
		this.fingerprint = createHash('sha256').update(Buffer.from(x, 'base64url')).digest('hex');
	}

	static generate(): Key {
		return new Key(generateKeyPairSync('ed25519').privateKey);
	}

	/** Throws `Failure` when the file is missing, damaged, or may be read by others. */
	static async read(file: string): Promise<Key> {
		try {
			await checkPrivate(file, 'key');
			return new Key(createPrivateKey(await readFile(file)));
		} catch (error) {
			if (error instanceof Failure) throw error;
			throw new Failure(`The agent's key ${file} cannot be used: ${codeOf(error) || 'it is damaged'}.`);
		}
	}

	/** base64url. */
	sign(message: Uint8Array): string {
		return sign(null, message, this.#key).toString('base64url');
	}

	pem(): string {
		return this.#key.export({ type: 'pkcs8', format: 'pem' }).toString();
	}
}
