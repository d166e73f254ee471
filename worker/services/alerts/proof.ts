import type { AlertSource } from '#domain/alert.ts';
import { concat } from '../bytes.ts';
import type { Ctx } from '../context.ts';
import { isSigned } from '../hmac.ts';
import { openHubSecret } from '../hub_secrets/rows.ts';
import type { Sealer } from '../sealed.ts';

/** How far from now the time of a signature may be. */
const SKEW_MS = 5 * 60_000;

/** A delivery as Grafana signs it: the HMAC of the body, or of the time, a colon and the body where it names a time. */
export interface Signature {
	body: Uint8Array;
	/** In hexadecimal; empty where there is none. */
	signature: string;
	/** Unix seconds; empty where no time is signed. */
	signed_at: string;
}

/** Whether a delivery is signed with the key that its source asks for; where it asks for none, it need not be. */
export async function isProved(
	ctx: Ctx,
	sealer: Sealer,
	{ project_id, secret_ref }: Pick<AlertSource, 'project_id' | 'secret_ref'>,
	{ body, signature, signed_at }: Signature,
): Promise<boolean> {
	if (secret_ref === null) return true;
	if (signed_at !== '' && !(Math.abs(Number(signed_at) * 1000 - ctx.now()) <= SKEW_MS)) return false;
	const secret = await openHubSecret(ctx, sealer, project_id, secret_ref);
	const content = signed_at === '' ? body : concat(new TextEncoder().encode(`${signed_at}:`), body);
	return secret !== null && isSigned(secret, signature, content);
}
