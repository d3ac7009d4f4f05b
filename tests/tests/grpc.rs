//! gRPC through the proxy, by Google's own implementation on both sides: messages both ways, trailers, errors, deadlines.

use std::process::Command;

use weir_tests::{Proxy, command, python_program};

/// Python with `grpc`; Debian's, because its package has it.
fn python() -> Command {
    let mut python = command("/usr/bin/python3", "python3");
    let has_grpc = Command::new("/usr/bin/python3").args(["-c", "import grpc"]).output().unwrap().status.success();
    assert!(has_grpc, "this test needs Python's grpc: apt-get install python3-grpcio");
    python.arg("-u");
    python
}

const SERVER: &str = r"
import sys, time, grpc
from concurrent import futures

def upper(request, context):
    if request == b'fail':
        context.set_trailing_metadata((('x-why', 'asked for'),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, 'as it was asked')
    if request == b'slow':
        time.sleep(20)
    context.set_trailing_metadata((('x-trailer', 'behind the message'),))
    return request.upper()

def count(request, context):
    for number in range(int(request)):
        yield str(number).encode()

def talk(requests, context):
    for request in requests:
        yield request[::-1]

handler = grpc.method_handlers_generic_handler('test.Service', {
    'Upper': grpc.unary_unary_rpc_method_handler(upper),
    'Count': grpc.unary_stream_rpc_method_handler(count),
    'Talk': grpc.stream_stream_rpc_method_handler(talk),
})
server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((handler,))
server.add_insecure_port('127.0.0.1:' + sys.argv[1])
server.start()
server.wait_for_termination()
";

const CLIENT: &str = r"
import queue, sys, grpc
channel = grpc.insecure_channel(sys.argv[1])
upper = channel.unary_unary('/test.Service/Upper')
answer, call = upper.with_call(b'hello', timeout=20)
print(answer.decode(), dict(call.trailing_metadata())['x-trailer'])
print(b''.join(channel.unary_stream('/test.Service/Count')(b'10', timeout=20)).decode())
# Each message is answered before the next is sent: nothing is held back in either direction.
outgoing = queue.Queue()
answers = channel.stream_stream('/test.Service/Talk')(iter(outgoing.get, None), timeout=20)
for word in (b'one', b'two'):
    outgoing.put(word)
    print(next(answers).decode())
outgoing.put(None)
print(len(list(answers)))
for request, timeout in ((b'fail', 20), (b'slow', 0.2)):
    try:
        upper(request, timeout=timeout)
    except grpc.RpcError as error:
        print(error.code().name, dict(error.trailing_metadata() or ()).get('x-why', ''))
large = b'a' * 3_000_000
print(upper(large, timeout=20) == large.upper())
";

#[test]
fn grpc_passes_with_its_messages_trailers_and_errors() {
    let server = python_program(python, SERVER);
    let upstream = format!("{{ endpoints: [\"h2c://{}\"] }}", server.address);
    let proxy = Proxy::builder()
        .filter("request-id")
        .upstream("app", &upstream)
        .route_to("/test.Service/*", "app", "methods: POST")
        .start();
    let output = python().args(["-c", CLIENT, &proxy.address.to_string()]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = "HELLO behind the message\n0123456789\neno\nowt\n0\nFAILED_PRECONDITION asked for\n\
                    DEADLINE_EXCEEDED \nTrue\n";
    assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
}
