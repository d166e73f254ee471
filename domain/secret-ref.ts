import { z } from 'zod';
import { VAULT_ANY } from './vault-ref.ts';

/** A reference to a secret: where the agent finds it, never the secret. */
export const SecretRef = z
	.string()
	.max(512)
	.regex(
		new RegExp(`^(env:[A-Za-z_][A-Za-z0-9_]{0,63}|file:[^\\0\\n]{1,400}|${VAULT_ANY})$`),
		'expected env:NAME, file:PATH or vault:kv2/MOUNT/PATH#FIELD, with @VERSION where it must be a certain one',
	);
