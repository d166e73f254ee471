import type { Reason } from '#domain/run-reason.ts';
import { encodeBlob, fromHex, PAYLOAD_MAX } from '#protocol/run-frames.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import type { Connection } from './core/transport/connection.ts';

export interface Script {
	sha256: string;
	size: number;
	/** Where it is kept; left out: among the scripts. */
	kind?: 'inventories';
}

/** What an agent may ask for beside the spec itself. */
export const sentWith = ({ steps, inventory }: RunSpec): Script[] => [
	...steps.flatMap((s) => (s.location_type === 'uploaded' ? [{ sha256: s.sha256, size: s.size }] : [])),
	...(inventory ? [{ sha256: inventory.sha256, size: inventory.size, kind: 'inventories' as const }] : []),
];

/** Sends the content of scripts and of an inventory, in parts. Answers why not, where one is not in the store. */
export async function sendScripts(
	to: Connection,
	store: R2Bucket,
	project_id: number,
	scripts: readonly Script[],
): Promise<Reason | null> {
	for (const { sha256, kind } of scripts) {
		const object = await store.get(`${kind ?? 'scripts'}/${String(project_id)}/${sha256}`);
		if (!object)
			return kind === 'inventories'
				? { code: 'inventory_missing', message: 'The content of the inventory is not in the store.' }
				: { code: 'script_missing', message: 'The content of a script is not in the store.' };
		const content = new Uint8Array(await object.arrayBuffer());
		const whole = { sha256: fromHex(sha256), total: content.length };
		for (let offset = 0; offset === 0 || offset < content.length; offset += PAYLOAD_MAX)
			to.send(encodeBlob({ ...whole, offset, payload: content.subarray(offset, offset + PAYLOAD_MAX) }));
	}
	return null;
}
