/** The demo's inventory, as Ansible reads it. */
export const inventory = `# Every machine of staging and production
bastion ansible_host=203.0.113.7 ansible_port=2222

[web_staging]
web[01:03].staging.example.com

[web_prod]
web[01:06].example.com

[db_staging]
db01.staging.example.com

[db_prod]
db-a.example.com role=primary
db-b.example.com role=replica

[web:children]
web_staging
web_prod

[db:children]
db_staging
db_prod

[staging:children]
web_staging
db_staging

[prod:children]
web_prod
db_prod

[all:vars]
ansible_user=deploy
ntp_servers=['ntp1.example.com', 'ntp2.example.com']

[web:vars]
http_port=8080
nginx={'workers': 4, 'keepalive_timeout': 65}

[db:vars]
postgres_version=16
replication_password="{{ vault_replication_password }}"

[prod:vars]
backup_retention_days=35
`;

const change = (address: string, actions: string[], fields: object, more: object = {}) => ({
	address,
	mode: 'managed',
	type: address.split('.').at(-2),
	provider_name: 'registry.terraform.io/hashicorp/aws',
	change: {
		actions,
		before: null,
		after: null,
		after_unknown: {},
		before_sensitive: {},
		after_sensitive: {},
		...fields,
	},
	...more,
});

/** The demo's plan, as `terraform show -json` prints one. */
export const plan = JSON.stringify({
	format_version: '1.2',
	terraform_version: '1.11.4',
	resource_changes: [
		change('module.web.aws_launch_template.node', ['update'], {
			before: { instance_type: 't3.medium', tags: { env: 'staging', size: 'm' }, latest_version: 7 },
			after: { instance_type: 't3.large', tags: { env: 'staging', size: 'l' } },
			after_unknown: { latest_version: true },
		}),
		change('module.web.aws_autoscaling_group.node', ['update'], {
			before: { desired_capacity: 2, max_size: 4, tag: [{ key: 'node_max', value: '4' }] },
			after: { desired_capacity: 3, max_size: 6, tag: [{ key: 'node_max', value: '6' }] },
		}),
		change(
			'module.db.aws_db_parameter_group.main',
			['create', 'delete'],
			{
				before: { id: 'shop-pg15', family: 'postgres15', name: 'shop-pg15' },
				after: { family: 'postgres16', name: 'shop-pg16' },
				after_unknown: { id: true },
				replace_paths: [['family'], ['name']],
			},
			{ action_reason: 'replace_because_cannot_update' },
		),
		change('module.db.aws_ssm_parameter.replication_password', ['update'], {
			before: { value: 'the-old-demo-password', version: 3 },
			after: { value: 'the-new-demo-password' },
			after_unknown: { version: true },
			before_sensitive: { value: true },
			after_sensitive: { value: true },
		}),
		change('aws_route53_record.status["staging"]', ['create'], {
			before_sensitive: false,
			after: { name: 'status.staging.example.com', type: 'CNAME', ttl: 300, records: ['web.staging.example.com'] },
			after_unknown: { id: true, fqdn: true },
		}),
		change(
			'aws_instance.old_bastion',
			['delete'],
			{
				before: { instance_type: 't2.micro', private_ip: '10.20.0.14', tags: { env: 'staging' } },
				after_sensitive: false,
			},
			{ action_reason: 'delete_because_no_resource_config' },
		),
		change('aws_vpc.main', ['no-op'], {
			before: { cidr_block: '10.20.0.0/16' },
			after: { cidr_block: '10.20.0.0/16' },
		}),
	],
	output_changes: {
		web_nodes: {
			actions: ['update'],
			before: 2,
			after: 3,
			after_unknown: false,
			before_sensitive: false,
			after_sensitive: false,
		},
	},
});
