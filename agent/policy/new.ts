/** The policy a new agent gets: commented, and allowing nothing, or (`local`) uploaded shell scripts of every project. */
export const newPolicy = (
	local: boolean,
): string => `# What this agent may be asked to do. The hub cannot change this file; what it does not allow is refused.
# After a change: "uhub-agent policy check", then restart the agent. All of it is explained in docs/agent.md.
version: 1

# Projects it works for, by id: [1, 4], or all.
projects: ${local ? 'all' : '[]'}

# How: local (programs on this very host), ssh (on other hosts), docker (in containers), k8s (as Jobs of a
# cluster), webhook (a request). Each but the first has a section of its own, below or in docs/agent.md.
backends: ${local ? '[local]' : '[]'}

# With what: shell, custom (a program of its own), ansible (playbooks), terraform.
tools: ${local ? '[shell, custom]' : '[]'}

scripts:
  # Scripts people typed or uploaded in the hub.
  uploaded: ${String(local)}
  # Scripts that lie on this host, under one directory they cannot leave.
  # data_root: /data

# Servers that scripts may be fetched from, over https or ssh (then known_hosts is needed too).
# git: { hosts: [git.example.com], known_hosts: /etc/uhub/known_hosts }

# Hosts that may be reached by ssh, as whom, and the file that vouches for their keys.
# ssh: { known_hosts: /etc/uhub/known_hosts, hosts: ['web*.example.com'], users: [deploy] }

# Containers: from which images, and what each may take.
# docker: { images: ['registry.example/team/*'], max: { cpus: 2, memory_mib: 2048, pids: 512 } }

# What may be called by http where a run is a request: names, and the networks they may lead to.
# webhook: { hosts: ['*.apps.internal'], networks: [10.20.0.0/16] }

# Directories a job may name as its working directory.
cwd: []

# Variables a job may set; a star at the end stands for the rest: [APP_*].
env: []

# Secrets, by project id. They are resolved here and never reach the hub.
# secrets:
#   4: ['env:APP_*', 'file:/etc/uhub/secrets/app/', 'vault:kv2/apps/shop/*']
secrets: {}

# Variables that secrets themselves may be put in, where a job asks for that: [TF_VAR_*]. Every child of a job inherits
# its variables, and whoever is that user can read them. Left empty, jobs get secrets as files or on standard input only.
secret_env: []

# Where vault: references are looked up.
# vault:
#   address: https://vault.example:8200
#   auth: { approle: { role_id: 'file:/etc/uhub/role-id', secret_id: 'file:/etc/uhub/secret-id' } }

limits:
  # Seconds a run may last.
  timeout_s: 86400
  # Runs at the same time, whatever the hub says.
  # capacity: 4

# As root, jobs should become another user, who can then read neither this file nor the agent's key.
# run_as: { uid: 1001, gid: 1001 }
# workspaces: /var/lib/uhub-work

# While the hub cannot be reached, runs go on (continue) or are stopped after a time (stop).
partition: { mode: continue, after_s: 300 }

# Log lines wait here until the hub has them. When it is full: block (the script waits) or gap (lines are dropped, and the log says so).
spool: { max_mib: 2048, when_full: block }
`;
