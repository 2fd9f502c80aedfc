{{- /* The JSON that files/jupyterhub_config.py reads. */ -}}
{{- define "rc2hub.hubValues" -}}
{{- $hub := dict
  "url" (printf "http://%s:8081" (include "rc2hub.host" (list . "hub")))
  "database" (.Values.hub.database.url | default "sqlite:////srv/jupyterhub/jupyterhub.sqlite")
-}}
{{- $compute := dict
  "namespace" (include "rc2hub.computeNamespace" .)
  "podSecurity" .Values.compute.podSecurity
  "image" (include "rc2hub.image" (list . "r-compute"))
  "pullPolicy" .Values.images.pullPolicy
  "pullSecrets" .Values.images.pullSecrets
  "priorityClass" (ternary (include "rc2hub.priorityClass" (list . "compute")) "" .Values.priorityClasses.create)
  "homes" (include "rc2hub.homesClaim" .)
  "standbysOwner" (printf "%s-standbys" (include "rc2hub.fullname" .))
-}}
{{- $values := dict
  "hub" $hub
  "proxy" (dict "url" (printf "http://%s:8001" (include "rc2hub.host" (list . "proxy-api"))))
  "broker" (dict "url" (printf "http://%s:8000" (include "rc2hub.host" (list . "broker"))))
  "labFiles" (dict "url" (printf "http://%s:8000" (include "rc2hub.host" (list . "lab-files"))))
  "compute" $compute
  "profiles" .Values.profiles
  "sharedServices" (include "rc2hub.sharedServices" . | fromJson)
  "roles" .Values.roles
  "config" .Values.hub.config
  "extraConfig" .Values.hub.extraConfig
  "cull" .Values.cull
  "test" .Values.test.enabled
-}}
{{ toPrettyJson $values }}
{{- end }}
