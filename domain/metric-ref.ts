import { z } from 'zod';
import { HttpsUrl } from './address.ts';
import { editable, Id, Name } from './common.ts';

/** A dashboard or a graph that lies elsewhere. */
export const MetricRef = z.object({
	id: Id,
	project_id: Id,
	incident_id: Id.nullable(),
	label: z.string(),
	url: z.string(),
	...editable,
});
export type MetricRef = z.infer<typeof MetricRef>;

const fields = { incident_id: Id.nullable(), label: Name(160), url: HttpsUrl };

export const MetricRefCreate = z.strictObject({ ...fields, incident_id: fields.incident_id.default(null) });
export type MetricRefCreate = z.infer<typeof MetricRefCreate>;

export const MetricRefPatch = z.strictObject(fields).partial();
export type MetricRefPatch = z.infer<typeof MetricRefPatch>;
