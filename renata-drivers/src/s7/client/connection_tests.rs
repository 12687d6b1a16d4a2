use super::*;
use crate::s7::pdu::{
    Connect, Item, ReplyItem, Transport, put_connect_confirm, put_read_reply, put_read_request,
    put_setup_reply,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// The other end of a connection, which does what the test says.
struct Peer {
    stream: DuplexStream,
    input: BytesMut,
    deframer: Deframer,
    size: TpduSize,
}

impl Peer {
    /// Greets with a CC that names `size` or not, and negotiates `jobs`.
    async fn greet(stream: DuplexStream, size: Option<TpduSize>, jobs: u16) -> Self {
        let (input, deframer) = (BytesMut::new(), Deframer::default());
        let mut this = Self {
            stream,
            input,
            deframer,
            size: size.unwrap_or(TpduSize::DEFAULT),
        };
        while frame_len(&this.input)
            .unwrap()
            .is_none_or(|len| len > this.input.len())
        {
            this.stream.read_buf(&mut this.input).await.unwrap();
        }
        let len = frame_len(&this.input).unwrap().unwrap();
        let request = this.input.split_to(len);
        let Ok(Tpdu::ConnectRequest(request)) = Tpdu::parse(&request) else {
            panic!("a connect request");
        };
        let mut confirm = BytesMut::new();
        match size {
            Some(_) => put_connect_confirm(&Connect { size, ..request }, &mut confirm),
            None => confirm.extend_from_slice(&[3, 0, 0, 11, 6, 0xD0, 0, 1, 0, 1, 0]),
        }
        this.stream.write_all(&confirm).await.unwrap();
        let reference = this.request().await;
        let mut reply = BytesMut::new();
        let setup = Setup {
            jobs_calling: jobs,
            jobs_called: jobs,
            pdu: 240,
        };
        put_setup_reply(reference, setup, &mut reply);
        this.send(&reply).await;
        this
    }

    /// The reference of the next request.
    async fn request(&mut self) -> u16 {
        loop {
            if let Some(pdu) = self.deframer.next_pdu(&mut self.input).unwrap() {
                return Pdu::parse(&pdu).unwrap().reference;
            }
            assert!(
                self.stream.read_buf(&mut self.input).await.unwrap() > 0,
                "more to come"
            );
        }
    }

    async fn reply(&mut self, reference: u16, byte: u8) {
        let items: [ReplyItem; 1] = [Ok((Transport::BYTE, vec![byte]))];
        let mut reply = BytesMut::new();
        put_read_reply(reference, &items, &mut reply);
        self.send(&reply).await;
    }

    async fn send(&mut self, pdu: &[u8]) {
        let mut frame = BytesMut::new();
        put_data(pdu, self.size, &mut frame);
        self.stream.write_all(&frame).await.unwrap();
    }

    /// Whether the client has sent nothing more, and waits.
    async fn is_quiet(&mut self) -> bool {
        let more = self.stream.read_buf(&mut self.input);
        tokio::time::timeout(Duration::from_millis(1), more)
            .await
            .is_err()
    }
}

async fn pair(size: Option<TpduSize>, jobs: u16) -> (Connection<DuplexStream>, Peer) {
    let (ours, theirs) = duplex(4096);
    let config = Config::new("unused");
    let (connection, peer) = tokio::join!(
        Connection::set_up(ours, &config),
        Peer::greet(theirs, size, jobs)
    );
    (connection.unwrap(), peer)
}

fn requests(count: usize, items: u16) -> Vec<BytesMut> {
    let item = Item {
        area: crate::s7::pdu::AreaCode::MARKERS,
        db: 0,
        address: 0,
        transport: Transport::BYTE,
        count: 1,
    };
    let mut request = BytesMut::new();
    put_read_request(0, &vec![item; items.into()], &mut request);
    vec![request; count]
}

/// The first byte of each reply, by the number of its request.
async fn run(
    connection: &mut Connection<DuplexStream>,
    requests: &[BytesMut],
) -> Result<Vec<u8>, ClientError> {
    let mut bytes = vec![0; requests.len()];
    let messages = requests.iter().map(|r| &r[..]);
    connection
        .exchange(messages, |at, pdu| {
            bytes[at] = pdu.data[4];
            Ok(())
        })
        .await?;
    Ok(bytes)
}

#[tokio::test(start_paused = true)]
async fn as_many_jobs_as_agreed_are_in_flight_and_replies_come_in_any_order() {
    let (mut connection, mut peer) = pair(Some(TpduSize::B1024), 3).await;
    assert_eq!(connection.agreed(), Agreed { pdu: 240, jobs: 3 });
    let requests = requests(5, 1);
    let plc = async {
        let first = [
            peer.request().await,
            peer.request().await,
            peer.request().await,
        ];
        assert!(peer.is_quiet().await, "a fourth would be one too many");
        peer.reply(first[2], 2).await;
        let fourth = peer.request().await;
        assert!(peer.is_quiet().await);
        peer.reply(first[0], 0).await;
        let fifth = peer.request().await;
        for (reference, byte) in [(fifth, 4), (fourth, 3), (first[1], 1)] {
            peer.reply(reference, byte).await;
        }
    };
    let (bytes, ()) = tokio::join!(run(&mut connection, &requests), plc);
    assert_eq!(bytes, Ok(vec![0, 1, 2, 3, 4]));
}

#[tokio::test(start_paused = true)]
async fn each_request_has_its_own_deadline_and_others_do_not_prolong_it() {
    let (mut connection, mut peer) = pair(Some(TpduSize::B1024), 2).await;
    let requests = requests(10, 1);
    let started = Instant::now();
    let plc = async {
        let _never_answered = peer.request().await;
        loop {
            let next = peer.request().await;
            tokio::time::sleep(Duration::from_millis(900)).await;
            peer.reply(next, 0).await;
        }
    };
    let result = tokio::select! {
        result = run(&mut connection, &requests) => result,
        () = plc => unreachable!("it answers for ever"),
    };
    assert_eq!(result, Err(ClientError::Timeout(Phase::Job)));
    assert_eq!(started.elapsed(), Config::new("unused").answer_within);
}

/// A peer that accepts, and then answers everything but the question, for ever so long.
struct Flood {
    greeting: Vec<Vec<u8>>,
    stray: Vec<u8>,
    until: std::time::Instant,
    answer: Vec<u8>,
}

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let frame = match self.greeting.pop() {
            Some(frame) => frame,
            None if std::time::Instant::now() < self.until => self.stray.clone(),
            None => self.answer.clone(),
        };
        buf.put_slice(&frame);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_flood_of_replies_to_nobody_does_not_stop_the_clock() {
    let frame = |pdu: &[u8]| {
        let mut frame = BytesMut::new();
        put_data(pdu, TpduSize::B1024, &mut frame);
        frame.to_vec()
    };
    let reply = |reference| {
        let mut pdu = BytesMut::new();
        put_read_reply(reference, &[Ok((Transport::BYTE, vec![0]))], &mut pdu);
        frame(&pdu)
    };
    let mut setup = BytesMut::new();
    put_setup_reply(
        1,
        Setup {
            jobs_calling: 1,
            jobs_called: 1,
            pdu: 240,
        },
        &mut setup,
    );
    let mut confirm = BytesMut::new();
    let asked = Connect {
        destination: 0,
        source: 1,
        size: None,
        calling: None,
        called: None,
    };
    put_connect_confirm(&asked, &mut confirm);
    let flood = Flood {
        greeting: vec![frame(&setup), confirm.to_vec()],
        stray: reply(1000),
        until: std::time::Instant::now() + Duration::from_millis(400),
        answer: reply(2),
    };
    let mut config = Config::new("unused");
    config.answer_within = Duration::from_millis(20);
    let mut connection = Connection::set_up(flood, &config).await.unwrap();
    let requests = requests(1, 1);
    let messages = requests.iter().map(|r| &r[..]);
    let result = connection.exchange(messages, |_, _| Ok(())).await;
    assert_eq!(result, Err(ClientError::Timeout(Phase::Job)));
    assert!(connection.stale() > 0);
}

#[tokio::test(start_paused = true)]
async fn jobs_of_a_dropped_call_keep_their_place_until_they_are_answered() {
    let (mut connection, mut peer) = pair(Some(TpduSize::B1024), 2).await;
    let requests = requests(2, 1);
    let dropped = tokio::time::timeout(Duration::from_millis(1), run(&mut connection, &requests));
    assert!(dropped.await.is_err());
    // Long after their deadline: nobody was reading then.
    tokio::time::advance(Duration::from_secs(60)).await;
    let plc = async {
        let old = [peer.request().await, peer.request().await];
        assert!(peer.is_quiet().await, "both places are taken");
        peer.reply(old[0], 77).await;
        let new = peer.request().await;
        assert!(!old.contains(&new));
        peer.reply(new, 1).await;
        let last = peer.request().await;
        peer.reply(old[1], 78).await;
        peer.reply(last, 2).await;
    };
    let (bytes, ()) = tokio::join!(run(&mut connection, &requests), plc);
    assert_eq!(bytes, Ok(vec![1, 2]));
    assert_eq!(connection.stale(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_names_no_size_gets_frames_of_128_bytes() {
    let (mut connection, mut peer) = pair(None, 1).await;
    let requests = requests(1, 19);
    assert!(requests[0].len() > 200);
    let plc = async {
        peer.stream.read_buf(&mut peer.input).await.unwrap();
        assert_eq!(frame_len(&peer.input), Ok(Some(128 + 4)));
        let reference = peer.request().await;
        peer.reply(reference, 9).await;
    };
    let (bytes, ()) = tokio::join!(run(&mut connection, &requests), plc);
    assert_eq!(bytes, Ok(vec![9]));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_s7_ends_the_set_up_with_the_reason() {
    for (bytes, error) in [
        (&b"HTTP/1.1 400"[..], WireError::TpktVersion { found: b'H' }),
        (&[3, 0, 0, 7, 2, 0xF0, 0x80], WireError::Unexpected),
    ] {
        let (ours, mut theirs) = duplex(4096);
        theirs.write_all(bytes).await.unwrap();
        let config = Config::new("unused");
        let result = Connection::set_up(ours, &config).await;
        assert_eq!(result.err(), Some(ClientError::Wire(error)));
    }
}
