import { z } from 'zod';
import { HttpsUrl } from './address.ts';
import { editable, Id, Name } from './common.ts';
import { SecretRef } from './secret-ref.ts';

/** A Kubernetes cluster. Its kubeconfig is a reference that the agent resolves, never the file itself. */
export const Cluster = z.object({
	id: Id,
	project_id: Id,
	name: z.string(),
	kubeconfig_ref: z.string(),
	environment_id: Id.nullable(),
	api_server_url: z.string().nullable(),
	...editable,
});
export type Cluster = z.infer<typeof Cluster>;

const fields = {
	name: Name(120),
	kubeconfig_ref: SecretRef,
	environment_id: Id.nullable(),
	api_server_url: HttpsUrl.nullable(),
};

export const ClusterCreate = z.strictObject({
	...fields,
	environment_id: fields.environment_id.default(null),
	api_server_url: fields.api_server_url.default(null),
});
export type ClusterCreate = z.infer<typeof ClusterCreate>;

export const ClusterPatch = z.strictObject(fields).partial();
export type ClusterPatch = z.infer<typeof ClusterPatch>;
