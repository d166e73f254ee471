import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { Cluster, ClusterCreate, ClusterPatch } from '#domain/cluster.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { createCluster } from '#worker/services/clusters/create.ts';
import { deleteCluster } from '#worker/services/clusters/delete.ts';
import { ClusterList, listClusters } from '#worker/services/clusters/list.ts';
import { readCluster } from '#worker/services/clusters/read.ts';
import { updateCluster } from '#worker/services/clusters/update.ts';

export const clusters = new Hono<AppEnv>()
	.get(
		'/projects/:id/clusters',
		describe('cluster.list', 'A project’s Kubernetes clusters', { schema: pageOf(Cluster) }),
		idIn('project'),
		query(ClusterList),
		async (c) => c.json(await listClusters(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/projects/:id/clusters',
		describe('cluster.create', 'Add a Kubernetes cluster', { status: 201, schema: Cluster }),
		idIn('project'),
		json(ClusterCreate),
		(c) => posted(c, 201, (ctx) => createCluster(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get('/clusters/:id', describe('cluster.read', 'One cluster', { schema: Cluster }), idIn('cluster'), async (c) =>
		row(c, await readCluster(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/clusters/:id',
		describe('cluster.update', 'Change a cluster', { schema: Cluster }),
		idIn('cluster'),
		json(ClusterPatch),
		async (c) =>
			row(c, await settled(() => updateCluster(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/clusters/:id',
		describe('cluster.delete', 'Remove a cluster', { status: 204 }),
		idIn('cluster'),
		async (c) => {
			await settled(() => deleteCluster(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	);
