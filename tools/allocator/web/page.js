// SPDX-License-Identifier: Apache-2.0
// The page of dcos-allocator. Lists are fetched when an event says that they changed, and now and then;
// what tasks use comes as usage_event, once a second. All text goes in as text, never as markup.
'use strict';

const KEEP = 120; // seconds of a chart
const LIST_MS = 5000; // lists are fetched at least so often
const EVENTS_SHOWN = 30;
const TYPES = ['usage_event', 'status_update_event', 'deployment_info', 'deployment_success', 'deployment_failed',
	'deployment_step_success', 'api_post_event', 'app_terminated_event', 'node_changed_event',
	'health_status_changed_event'];

const state = { apps: [], nodes: [], queue: [], deployments: [], chosen: null, log: null };
const past = { app: new Map(), node: new Map(), task: new Map() }; // id: numbers of CPUs
const use = { app: new Map(), node: new Map(), task: new Map() }; // id: the last usage

const $ = (selector, root = document) => root.querySelector(selector);

// el('td', {className: 'n'}, 'text', child...)
function el(name, props = {}, ...children) {
	const e = Object.assign(document.createElement(name), props);
	e.append(...children.filter((c) => c !== null && c !== undefined));
	return e;
}

const number = (v, digits = 2) => (v === undefined || v === null ? '' : v.toFixed(digits));
function bytes(v) {
	if (v === undefined || v === null) return '';
	const units = ['B', 'K', 'M', 'G', 'T'];
	let i = 0;
	for (; v >= 1024 && i < units.length - 1; i++) v /= 1024;
	return `${v >= 100 || i === 0 ? v.toFixed(0) : v.toFixed(1)}${units[i]}`;
}
function micros(v) {
	if (!v) return '';
	return v >= 10000 ? `${(v / 1000).toFixed(0)} ms` : `${v} us`;
}

const count = (nr, what) => `${nr} ${what}${nr === 1 ? '' : 's'}`;

function remember(map, id, value) {
	const list = map.get(id) || [];
	list.push(value);
	if (list.length > KEEP) list.shift();
	map.set(id, list);
}

// A line of the last KEEP values, the newest at the right; limit: a dashed line
function chart(list, limit, label) {
	const NS = 'http://www.w3.org/2000/svg';
	const svg = document.createElementNS(NS, 'svg');
	svg.setAttribute('viewBox', `0 0 ${KEEP} 28`);
	svg.setAttribute('preserveAspectRatio', 'none');
	svg.setAttribute('role', 'img');
	svg.setAttribute('aria-label', label);
	if (!list || list.length < 2) return svg;
	const top = Math.max(limit || 0, ...list, 0.01) * 1.1;
	const y = (v) => (27 - (v / top) * 26).toFixed(1);
	if (limit) {
		const line = document.createElementNS(NS, 'line');
		for (const [k, v] of Object.entries({ x1: 0, x2: KEEP, y1: y(limit), y2: y(limit) })) line.setAttribute(k, v);
		svg.append(line);
	}
	const path = document.createElementNS(NS, 'path');
	const from = KEEP - list.length;
	path.setAttribute('d', list.map((v, i) => `${i ? 'L' : 'M'}${from + i} ${y(v)}`).join(''));
	svg.append(path);
	return svg;
}

function rows(table, list, make) {
	$('tbody', table).replaceChildren(...list.map(make));
	table.hidden = !list.length;
	table.nextElementSibling.hidden = !!list.length;
}
const td = (...children) => el('td', {}, ...children);
const n = (text) => el('td', { className: 'n' }, text);

// Why an app is not as it is wanted: its deployment's reason, or what stands in the way of placing.
function appState(app) {
	const waits = state.queue.find((q) => q.app && q.app.id === app.id);
	const deployment = state.deployments.find((d) => (d.affectedApps || []).includes(app.id));
	if (waits && waits.why) return el('td', { className: 'wide wait' }, whyText(waits.why));
	if (deployment) return el('td', { className: 'wide wait' }, deployment.reason || 'is being deployed');
	if (app.tasksUnhealthy) return el('td', { className: 'bad' }, `${app.tasksUnhealthy} unhealthy`);
	if (app.tasksRunning < app.instances) return el('td', { className: 'wait' }, 'waits for tasks');
	return el('td', { className: 'good' }, 'as wanted');
}
const AMOUNT = {
	cpus: (v) => `${(v / 1000).toFixed(2)} CPUs`, memory: (v) => `${bytes(v)} of memory`, disk: (v) => `${bytes(v)} of disk`,
	network: (v) => `${v} bit/s`, ports: (v) => count(v, 'port'),
};
function whyText(why) {
	const failed = (why.filters || []).map((f) => `${f.reason} at ${f.nodes} of ${count(why.nodes, 'node')}`).join(', ');
	const nearest = why.nearest && why.dimension in AMOUNT ? `; ${why.nearest} is short by ${AMOUNT[why.dimension](why.shortBy)}` : '';
	return `waits for ${why.wait}${failed ? `: ${failed}` : ''}${nearest}`;
}

function drawApps() {
	rows($('#apps'), state.apps, (app) => {
		const u = use.app.get(app.id) || {};
		const name = el('button', { type: 'button', className: 'plain' }, app.id);
		name.addEventListener('click', () => { state.chosen = state.chosen === app.id ? null : app.id; draw(); });
		return el('tr', { className: state.chosen === app.id ? 'chosen' : '' }, td(name),
			n(`${app.tasksRunning}/${app.instances}`), n(number(u.cpus)), n(bytes(u.memory)), n(micros(u.wait)),
			td(chart(past.app.get(app.id), app.cpus * app.instances, `CPUs of ${app.id}`)), appState(app));
	});
}

const stateClass = (s) => (s === 'active' || s === 'TASK_RUNNING' ? 'good' : s === 'draining' || s === 'TASK_STAGING' || s === 'TASK_KILLING' ? 'wait' : 'bad');

function drawNodes() {
	rows($('#nodes'), state.nodes, (node) => {
		const u = use.node.get(node.id) || node.used || {};
		const lacks = (node.doctor || []).filter((c) => c.kind === 'isolator').map((c) => c.name).join(', ');
		const attributes = Object.entries(node.attributes || {}).map(([k, v]) => `${k}=${v}`).join(' ');
		return el('tr', {}, td(node.id), el('td', { className: stateClass(node.state) }, node.state), n(number(node.cpus, 0)),
			n(number(u.cpus)), n(bytes(node.memory)), n(bytes((u.mem || 0) * 1048576)),
			td(chart(past.node.get(node.id), node.cpus, `CPUs of ${node.id}`)), td(attributes), td(lacks));
	});
}

function drawTasks() {
	const all = state.apps.flatMap((app) => (app.tasks || []).map((t) => ({ ...t, cpus: app.cpus })));
	const list = all.filter((t) => !state.chosen || t.appId === state.chosen);
	$('#of').textContent = state.chosen ? `of ${state.chosen}` : '';
	rows($('#tasks'), list, (t) => {
		const u = use.task.get(t.id) || {};
		const log = el('button', { type: 'button' }, 'log');
		log.addEventListener('click', () => showLog(t.id, 'stdout'));
		return el('tr', {}, td(t.id), el('td', { className: stateClass(t.state) }, t.state.replace('TASK_', '').toLowerCase()),
			td(t.host), td((t.ports || []).join(' ')), n(number(u.cpus)), n(bytes(u.memory)),
			n(u.throttled === undefined ? '' : `${(u.throttled / 10).toFixed(0)} %`), n(micros(u.waitP99Us)),
			td(chart(past.task.get(t.id), t.cpus, `CPUs of ${t.id}`)), td(log));
	});
}

function draw() {
	const running = state.apps.reduce((sum, a) => sum + a.tasksRunning, 0);
	const active = state.nodes.filter((node) => node.state === 'active').length;
	$('#sums').textContent = `${active} of ${count(state.nodes.length, 'node')} active, ${count(state.apps.length, 'app')}, ${count(running, 'task')} running`;
	drawApps();
	drawNodes();
	drawTasks();
}

async function get(path) {
	const reply = await fetch(path, { headers: { Accept: 'application/json' } });
	if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
	return reply.json();
}

let fetching = false, again = false, timer = null;
async function refresh() {
	if (fetching) { again = true; return; }
	fetching = true;
	clearTimeout(timer);
	try {
		const [apps, nodes, queue, deployments] = await Promise.all([get('/v2/apps?embed=apps.tasks&embed=apps.counts'),
			get('/v2/nodes'), get('/v2/queue?embed=why'), get('/v2/deployments?embed=reason')]);
		state.apps = apps.apps.sort((a, b) => a.id.localeCompare(b.id));
		state.nodes = nodes.nodes.sort((a, b) => a.id.localeCompare(b.id));
		state.queue = queue.queue;
		state.deployments = deployments;
		draw();
	} catch (e) {
		$('#link').textContent = e.message;
		$('#link').className = 'bad';
	}
	fetching = false;
	timer = setTimeout(refresh, again ? 300 : LIST_MS);
	again = false;
}

function takeUsage(event) {
	const sums = new Map();
	for (const t of event.tasks) {
		use.task.set(t.id, t);
		remember(past.task, t.id, t.cpus);
		const sum = sums.get(t.app) || { cpus: 0, memory: 0, wait: 0 };
		sum.cpus += t.cpus;
		sum.memory += t.memory;
		sum.wait = Math.max(sum.wait, t.waitP99Us);
		sums.set(t.app, sum);
	}
	for (const [id, sum] of sums) {
		use.app.set(id, sum);
		remember(past.app, id, sum.cpus);
	}
	for (const [id, used] of Object.entries(event.nodes)) {
		use.node.set(id, used);
		remember(past.node, id, used.cpus);
	}
	for (const id of past.task.keys())
		if (!event.tasks.some((t) => t.id === id)) { past.task.delete(id); use.task.delete(id); }
	draw();
}

function eventText(e) {
	switch (e.eventType) {
	case 'status_update_event': return `${e.taskId} ${e.taskStatus}${e.message ? `: ${e.message}` : ''}`;
	case 'node_changed_event': return `node ${e.node} is ${e.state}`;
	case 'health_status_changed_event': return `${e.taskId} is ${e.alive ? 'healthy' : 'unhealthy'}`;
	default: return e.eventType.replace(/_/g, ' ') + (e.id ? ` ${e.id}` : '');
	}
}

function takeEvent(message) {
	const event = JSON.parse(message.data);
	if (event.eventType === 'usage_event') { takeUsage(event); return; }
	$('#events').prepend(el('li', {}, `${event.timestamp.slice(11, 19)} `, el('b', {}, eventText(event))));
	while ($('#events').children.length > EVENTS_SHOWN) $('#events').lastChild.remove();
	refresh();
}

async function showLog(task, stream) {
	const section = $('#log');
	state.log = task;
	section.hidden = false;
	$('#h-log small').textContent = `${task}, ${stream}`;
	const reply = await fetch(`/v2/tasks/${encodeURIComponent(task)}/log?stream=${stream}`);
	$('pre', section).textContent = reply.ok ? (await reply.text()) || '(nothing)' : (await reply.json()).message;
	$('pre', section).scrollTop = $('pre', section).scrollHeight;
}

function listen() {
	const source = new EventSource(`/v2/events?${TYPES.map((t) => `event_type=${t}`).join('&')}`);
	source.onopen = () => { $('#link').textContent = 'live'; $('#link').className = 'good'; refresh(); };
	source.onerror = () => { $('#link').textContent = 'not connected, trying again'; $('#link').className = 'bad'; };
	for (const type of TYPES) source.addEventListener(type, takeEvent);
}

$('#log').addEventListener('click', (e) => {
	if (e.target.dataset.stream) showLog(state.log, e.target.dataset.stream);
	if (e.target.dataset.close !== undefined) $('#log').hidden = true;
});
refresh();
listen();
