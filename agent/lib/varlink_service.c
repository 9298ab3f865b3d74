// SPDX-License-Identifier: Apache-2.0
/*
 * From a message to a method, and the interface that every Varlink service has.
 * Source: varlink.org, "Service", "Method call" and "Errors".
 */
#include <errno.h>

#include "agent/lib/cleanup.h"
#include "agent/lib/varlink_impl.h"

#define SERVICE "org.varlink.service"

static const char service_description[] =
	"# What every Varlink service answers about itself.\n"
	"interface org.varlink.service\n"
	"\n"
	"# Who made this service, and the interfaces that it has.\n"
	"method GetInfo() -> (\n"
	"  vendor: string,\n"
	"  product: string,\n"
	"  version: string,\n"
	"  url: string,\n"
	"  interfaces: []string\n"
	")\n"
	"\n"
	"# The text that describes one of them.\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"\n"
	"# reason: a sentence for people, where there is one.\n"
	"error InvalidParameter (parameter: string, reason: ?string)\n"
	"error PermissionDenied ()\n"
	"\n"
	"# The method has several replies: call it with \"more\".\n"
	"error ExpectedMore ()\n";

static int interface_not_found(struct vl_call *call, const char *name, size_t len)
{
	return vl_error(call, SERVICE ".InterfaceNotFound",
			json_pack("{s:s%}", "interface", name, len));
}

static int service_info(struct vl_call *call, json_t *params, void *userdata)
{
	const struct vl_server_config *c = &((struct vl_server *)userdata)->config;

	(void)params;
	return vl_reply(call, json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", c->vendor,
					"product", c->product, "version", c->version, "url", c->url,
					"interfaces", SERVICE, c->interface->name));
}

static int service_description_of(struct vl_call *call, json_t *params, void *userdata)
{
	const struct vl_interface *i = ((struct vl_server *)userdata)->config.interface;
	const char *name = json_string_value(json_object_get(params, "interface")), *text;

	if (!name)
		return vl_error_param(call, "interface", "a string is needed");
	if (strcmp(name, SERVICE) == 0)
		text = service_description;
	else if (strcmp(name, i->name) == 0)
		text = i->description;
	else
		return interface_not_found(call, name, strlen(name));
	return vl_reply(call, json_pack("{s:s}", "description", text));
}

static const struct vl_interface service_interface = {
	.name = SERVICE,
	.methods =
		(const struct vl_method[]){
			{.name = "GetInfo", .fn = service_info},
			{.name = "GetInterfaceDescription",
			 .fn = service_description_of,
			 .params = (const char *const[]){"interface", NULL}},
			{0},
		},
};

static const struct vl_method *find_method(const struct vl_interface *i, const char *name)
{
	for (const struct vl_method *m = i->methods; m->name; m++) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

/* Return: the first parameter that @m does not know, or NULL. */
static const char *unknown_param(const struct vl_method *m, json_t *params)
{
	const char *key;
	json_t *value;

	json_object_foreach (params, key, value) {
		const char *const *p = m->params;

		while (p && *p && strcmp(*p, key) != 0)
			p++;
		if (!p || !*p)
			return key;
	}
	return NULL;
}

static int call_method(struct vl_call *call, const struct vl_method *m, void *userdata)
{
	struct vl_server *s = call->server;
	const char *unknown;

	if (m->manages && s->config.may_manage &&
	    !s->config.may_manage(&call->peer, s->config.userdata)) {
		s->stats.denied++;
		return vl_error(call, VL_ERROR_PERMISSION_DENIED, NULL);
	}
	if (call->message.params_are_wrong)
		return vl_error_param(call, "parameters", "an object is needed");
	unknown = unknown_param(m, call->message.params);
	if (unknown)
		return vl_error_param(call, unknown, "the method has no such parameter");
	if (m->needs_more && !vl_call_more(call))
		return vl_error(call, VL_ERROR_EXPECTED_MORE, NULL);
	return m->fn ? m->fn(call, call->message.params, userdata) : -EOPNOTSUPP;
}

int vl_dispatch(struct vl_call *call)
{
	struct vl_server *s = call->server;
	const char *name = call->message.method, *dot = strrchr(name, '.');
	size_t len = dot ? (size_t)(dot - name) : strlen(name);
	const struct vl_interface *i = NULL;
	const struct vl_method *m;
	int r;

	if (len == strlen(SERVICE) && memcmp(name, SERVICE, len) == 0)
		i = &service_interface;
	else if (len == strlen(s->config.interface->name) &&
		 memcmp(name, s->config.interface->name, len) == 0)
		i = s->config.interface;
	m = i && dot ? find_method(i, dot + 1) : NULL;
	if (!i || !dot)
		r = interface_not_found(call, name, len);
	else if (!m)
		r = vl_error(call, SERVICE ".MethodNotFound", json_pack("{s:s}", "method", name));
	else if (call->message.upgrade)
		r = vl_error_param(call, "upgrade", "there is no other protocol here");
	else
		r = call_method(call, m, i == &service_interface ? s : s->config.userdata);
	return r < 0 ? vl_call_fail(call, r) : 0;
}
