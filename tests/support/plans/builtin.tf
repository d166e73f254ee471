variable "password" {
  sensitive = true
  default   = "a new secret for tonight"
}
resource "terraform_data" "kept" { input = "same" }
resource "terraform_data" "changed" {
  input = {
    size  = "large"
    tags  = ["a", "c", "d"]
    login = var.password
  }
}
resource "terraform_data" "replaced" {
  input            = "two"
  triggers_replace = "v2"
}
resource "terraform_data" "new" {
  for_each = toset(["blue", "green"])
  input    = each.key
}
output "size" { value = "large" }
output "login" {
  value     = var.password
  sensitive = true
}
