import { sha256, toBase64url } from './bytes.ts';

// What the hub hands out to be signed in with. It keeps the hash alone: 256 random bits need no slow one.

/** A new secret that nobody can guess: 43 characters of base64url behind the prefix. */
export const newSecret = (prefix = ''): string => prefix + toBase64url(crypto.getRandomValues(new Uint8Array(32)));

/** What is kept of a secret, and looked it up by. */
export const hashOf = (secret: string): Promise<string> => sha256(new TextEncoder().encode(secret));
