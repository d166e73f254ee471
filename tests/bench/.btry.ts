import { Api } from '../support/api.ts';
import WebSocket from 'ws';
const url='http://127.0.0.1:24117';
const api=await Api.signIn(url,'admin','a-password-for-tests');
const t=performance.now(); const id=58;
const ws=new WebSocket(`${url.replace('http','ws')}/live/runs/${id}?from=0`,{headers:{cookie:api.cookie,origin:url}});
ws.on('message',(d:Buffer)=>console.log((performance.now()-t).toFixed(1), d[0], d.length));
ws.on('close',(c)=>console.log('closed',c,(performance.now()-t).toFixed(1) )); ws.on('error',e=>console.log(e.message));
setTimeout(async()=>{console.log((ws as any)._closeFrameReceived,(ws as any)._closeFrameSent, ws.readyState); process.exit()},3000);
