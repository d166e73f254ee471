// Terraform itself, where it is installed: its built-in terraform_data needs no provider from elsewhere. No registry
// of packages has it, so where it is missing tests say so, and a stand-in is in its place.
import { spawnSync } from 'node:child_process';

/** Why there is none; null: there is. */
export const noTerraform: string | null =
	spawnSync('terraform', ['version']).status === 0 ? null : 'terraform is not installed on this machine';

/** What terraform says and does, as far as the agent looks at it: for machines that lack it. */
export const STAND_IN = `#!/bin/sh
for a in "$@"; do case "$a" in -state=*) state=\${a#-state=};; -out=*) out=\${a#-out=};; esac; last=$a; done
serial=$(cat "$state" 2>/dev/null || echo 0)
case "$1" in
version) echo 'Terraform v1.11.4';;
init) echo 'Terraform has been successfully initialized!';;
plan) echo 'Plan: 1 to add, 0 to change, 0 to destroy.'; echo "$serial" > "$out";;
show) cat <<-END
	{"format_version":"1.2","terraform_version":"1.11.4","resource_changes":[{"address":"terraform_data.x","mode":"managed","type":"terraform_data","provider_name":"terraform.io/builtin/terraform","change":{"actions":["create"],"before":null,"after":{"input":"$TF_VAR_who"},"after_unknown":{},"before_sensitive":false,"after_sensitive":{"input":true}}}]}
	END
	;;
apply) [ "$(cat "$last")" = "$serial" ] || { printf 'Error: Saved plan is stale\\n\\nThe given plan file can no longer be applied.\\n' >&2; exit 1; }
	echo $((serial + 1)) > "$state"; echo 'Apply complete! Resources: 1 added, 0 changed, 0 destroyed.';;
esac
`;

/** A configuration of one resource, that both understand. */
export const CONFIG = `variable "who" {
  default   = "nobody-at-all"
  sensitive = true
}
resource "terraform_data" "x" { input = var.who }
`;
